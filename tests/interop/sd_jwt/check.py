"""sd-jwt of PyPI.

check.py serve FOLDER ADDRESS PORT   serves files of FOLDER as status lists
check.py verify FOLDER               verifies what Luxor issued, its status list fetched from where it says
check.py issue FOLDER ES256|EdDSA    issues a credential for Luxor to verify
check.py cases FOLDER SPECIFICATIONS issues each specification.yml below, with and without what its holder holds back
"""

import base64
import http.server
import json
import pathlib
import sys
import time
import urllib.request
import zlib


def serve(folder, address, port):
    class Lists(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            path = pathlib.Path(folder, self.path.lstrip("/"))
            found = path.is_file() and ".." not in path.parts
            self.send_response(200 if found else 404)
            self.send_header("Content-Type", "application/statuslist+jwt")
            self.end_headers()
            if found:
                self.wfile.write(path.read_bytes())

        def log_message(self, *_):
            pass

    http.server.ThreadingHTTPServer((address, int(port)), Lists).serve_forever()


def verify(folder):
    from jwcrypto import jwk, jws
    from sd_jwt.verifier import SDJWTVerifier

    def read(name):
        return pathlib.Path(folder, name).read_text().strip()

    issuer = jwk.JWK.from_json(read("issuer.jwk"))
    alg = "EdDSA" if issuer["kty"] == "OKP" else "ES256"
    verifier = SDJWTVerifier(read("presented"), lambda *_: issuer, "verifier.example", "nonce-1")
    claims = verifier.get_verified_payload()
    assert claims["eori"] == "DE1234567" and claims["roles"] == ["exporter"] and "legal_name" not in claims, claims
    assert claims["exp"] > time.time(), "expired"
    reference = claims["status"]["status_list"]
    with urllib.request.urlopen(reference["uri"], timeout=10) as answer:
        token = jws.JWS()
        token.allowed_algs = [alg]
        token.deserialize(answer.read().decode(), issuer)
    header, payload = token.jose_header, json.loads(token.payload)
    assert header["typ"] == "statuslist+jwt" and payload["sub"] == reference["uri"], header
    packed = payload["status_list"]["lst"]
    statuses = zlib.decompress(base64.urlsafe_b64decode(packed + "=" * (-len(packed) % 4)))
    bits = payload["status_list"]["bits"]
    at = reference["idx"] * bits
    status = statuses[at // 8] >> at % 8 & (1 << bits) - 1
    if status:
        sys.exit(f"error: the status of the credential is {status}")
    print(f"verified: {claims['vct']}, eori {claims['eori']}, status {status} of {len(statuses) * 8 // bits}")


def issue(folder, alg):
    from jwcrypto import jwk
    from sd_jwt.common import SDObj
    from sd_jwt.holder import SDJWTHolder
    from sd_jwt.issuer import SDJWTIssuer

    holder, now = jwk.JWK.generate(kty="EC", crv="P-256"), int(time.time())
    issuer = jwk.JWK.generate(kty="OKP", crv="Ed25519") if alg == "EdDSA" else jwk.JWK.generate(kty="EC", crv="P-256")
    claims = {
        "vct": "urn:example:1", "iss": "https://issuer.example", "iat": now, "exp": now + 600,
        SDObj("eori"): "DE7654321", SDObj("address"): {SDObj("city"): "Köln", SDObj("zip"): "50667"},
        "roles": [SDObj("a"), SDObj("b")],
    }
    made = SDJWTIssuer(
        claims, issuer, holder_key=holder, sign_alg=alg, add_decoy_claims=True,
        extra_header_parameters={"typ": "dc+sd-jwt", "kid": "one"},
    )
    holding = SDJWTHolder(made.sd_jwt_issuance)
    holding.create_presentation(
        {"eori": True, "address": {"city": True}, "roles": [False, True]}, "n-7", "luxor.example", holder,
    )
    place = pathlib.Path(folder)
    place.mkdir(parents=True, exist_ok=True)
    (place / "issuer.jwk").write_text(issuer.export_public())
    (place / "credential").write_text(holding.sd_jwt_presentation)
    (place / "bound").write_text("luxor.example\nn-7\n")


def cases(folder, specifications):
    import logging

    from jwcrypto import jwk
    from sd_jwt.holder import SDJWTHolder
    from sd_jwt.issuer import SDJWTIssuer
    from sd_jwt.utils.yaml_specification import load_yaml_specification
    from sd_jwt.verifier import SDJWTVerifier

    logging.disable()
    for path in sorted(pathlib.Path(specifications).rglob("specification.yml")):
        case = load_yaml_specification(path)
        if case.get("serialization_format", "compact") != "compact":
            continue
        issuer, holder = jwk.JWK.generate(kty="EC", crv="P-256"), jwk.JWK.generate(kty="EC", crv="P-256")
        bound = case.get("key_binding", False)
        made = SDJWTIssuer(
            case["user_claims"], issuer, holder_key=holder if bound else None,
            add_decoy_claims=case.get("add_decoy_claims", False),
            extra_header_parameters={**case.get("extra_header_parameters", {}), "typ": "example+sd-jwt"},
        )
        holding = SDJWTHolder(made.sd_jwt_issuance)
        arguments = ("n-7", "luxor.example", holder) if bound else ()
        holding.create_presentation(case["holder_disclosed_claims"], *arguments)
        checked = SDJWTVerifier(holding.sd_jwt_presentation, lambda *_: issuer, *(arguments and ("luxor.example", "n-7")))
        place = pathlib.Path(folder, path.parent.name)
        place.mkdir(parents=True, exist_ok=True)
        (place / "issuer.jwk").write_text(issuer.export_public())
        (place / "credential").write_text(holding.sd_jwt_presentation)
        (place / "expected.json").write_text(json.dumps(checked.get_verified_payload()))
        if bound:
            (place / "bound").write_text("luxor.example\nn-7\n")


{"serve": serve, "verify": verify, "issue": issue, "cases": cases}[sys.argv[1]](*sys.argv[2:])
