// @sd-jwt/sd-jwt-vc of npm. `check.mjs verify FOLDER` verifies what Luxor issued, its status list fetched by itself.
// `check.mjs issue FOLDER LIST_URI` issues a credential and a status list for Luxor to verify.
import { readFileSync, writeFileSync, mkdirSync } from 'node:fs';
import { createHash, generateKeyPairSync, createPublicKey, randomBytes, sign, verify } from 'node:crypto';
import { createRequire } from 'node:module';

const require = createRequire(process.env.LUXOR_NODE_MODULES + '/');
const { SDJwtVcInstance } = require('@sd-jwt/sd-jwt-vc');
const { StatusList, createHeaderAndPayload } = require('@sd-jwt/jwt-status-list');

const [mode, folder, listUri] = process.argv.slice(2);
const read = (name) => readFileSync(`${folder}/${name}`, 'utf8').trim();
const write = (name, text) => writeFileSync(`${folder}/${name}`, text);
const options = (key) => (key.asymmetricKeyType === 'ed25519' ? [null, key] : ['sha256', { key, dsaEncoding: 'ieee-p1363' }]);
const signer = (key) => (data) => {
  const [hash, with_] = options(key);
  return sign(hash, Buffer.from(data), with_).toString('base64url');
};
const verifier = (key) => (data, signature) => {
  const [hash, with_] = options(key);
  return verify(hash, Buffer.from(data), with_, Buffer.from(signature, 'base64url'));
};
const jwk = (name) => createPublicKey({ key: JSON.parse(read(name)), format: 'jwk' });
const hasher = (data, alg) => createHash(alg.replace('sha-', 'sha')).update(Buffer.from(data)).digest();
const saltGenerator = (length) => randomBytes(length).toString('hex');

if (mode === 'verify') {
  const instance = new SDJwtVcInstance({
    verifier: verifier(jwk('issuer.jwk')), kbVerifier: verifier(jwk('holder.jwk')), hasher, hashAlg: 'sha-256', saltGenerator,
  });
  const { payload, kb } = await instance.verify(read('presented'), { keyBindingNonce: 'nonce-1', requiredClaimKeys: ['vct', 'eori'] });
  if (payload.eori !== 'DE1234567' || payload.roles.join() !== 'exporter' || payload.legal_name !== undefined) throw new Error('other claims');
  if (kb.payload.aud !== 'verifier.example') throw new Error('another audience');
  console.log(`verified: ${payload.vct}, eori ${payload.eori}, status list ${payload.status.status_list.uri}`);
} else {
  mkdirSync(folder, { recursive: true });
  const pair = () => (listUri.endsWith('EdDSA') ? generateKeyPairSync('ed25519') : generateKeyPairSync('ec', { namedCurve: 'P-256' }));
  const [issuer, holder] = [pair(), pair()];
  const signAlg = listUri.endsWith('EdDSA') ? 'EdDSA' : 'ES256';
  const instance = new SDJwtVcInstance({
    signer: signer(issuer.privateKey), signAlg, kbSigner: signer(holder.privateKey), kbSignAlg: signAlg, hasher, hashAlg: 'sha-256', saltGenerator,
  });
  const iat = Math.floor(Date.now() / 1000);
  const issued = await instance.issue(
    {
      vct: 'urn:example:1', iss: 'https://issuer.example', iat, exp: iat + 600, cnf: { jwk: holder.publicKey.export({ format: 'jwk' }) },
      status: { status_list: { idx: 3, uri: listUri } }, eori: 'DE7654321', address: { city: 'Köln', zip: '50667' }, roles: ['a', 'b'],
    },
    { _sd: ['eori', 'address'], _sd_decoy: 2, address: { _sd: ['city', 'zip'] }, roles: { _sd: [0, 1] } },
  );
  const presented = await instance.present(issued, { eori: true, address: { city: true }, roles: { 1: true } }, { kb: { payload: { aud: 'luxor.example', nonce: 'n-7', iat } } });
  const list = (status) => {
    const { header, payload } = createHeaderAndPayload(new StatusList([0, 0, 0, status, 0, 0, 1, 0], 2), { sub: listUri, iss: 'https://issuer.example', iat, ttl: 60, exp: iat + 600 }, { alg: signAlg, typ: 'statuslist+jwt' });
    const text = [header, payload].map((part) => Buffer.from(JSON.stringify(part)).toString('base64url')).join('.');
    return `${text}.${signer(issuer.privateKey)(text)}`;
  };
  write('issuer.jwk', JSON.stringify(issuer.publicKey.export({ format: 'jwk' })));
  write('credential', presented);
  write('bound', 'luxor.example\nn-7\n');
  write('list-valid', list(0));
  write('list-revoked', list(1));
}
