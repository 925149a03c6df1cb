// A log kept by Tessera (its POSIX storage), whose checkpoints Tessera's own client has cosigned by witnesses: nodes of Luxor, which know the
// log since its key stands on a member's card. Nothing is published that the witnesses do not cosign.
//
//	tessera_log grow KEY_FILE ORIGIN POLICY FOLDER ENTRIES ROUNDS
//	tessera_log refused KEY_FILE ORIGIN POLICY FOLDER ENTRIES PREFIX
//
// `grow` appends so many entries so many times; each checkpoint must be published with the cosignatures of all witnesses of the policy, which
// are checked again with the note library. `refused` appends entries that begin with the prefix, and nothing may be published of them.
// KEY_FILE is a node's keys/log.key.
package main

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	formats "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

const (
	// Of signed-note: an Ed25519 signature.
	algEd25519 = 1
	interval   = 200 * time.Millisecond
	// How long a refusal is waited for: some checkpoints, each tried once in the interval.
	patience = 4 * time.Second
)

func main() {
	if len(os.Args) != 8 {
		fail("usage: tessera_log grow|refused KEY_FILE ORIGIN POLICY FOLDER ENTRIES ROUNDS|PREFIX")
	}
	origin, policy, folder := os.Args[3], read(os.Args[4]), os.Args[5]
	entries, err := strconv.Atoi(os.Args[6])
	check(err)
	signer, verifier := key(read(os.Args[2]), origin)
	ctx := context.Background()
	before := published(folder)
	log := open(ctx, signer, policy, folder, uint(entries))
	switch os.Args[1] {
	case "grow":
		rounds, err := strconv.Atoi(os.Args[7])
		check(err)
		for round := range rounds {
			checkpoint := grow(ctx, log, entries, fmt.Sprintf("%d-%d", time.Now().UnixNano(), round))
			opened := verified(checkpoint, verifier, policy)
			fmt.Printf("%s entries, published with %d cosignatures\n", strings.Split(opened.Text, "\n")[1], len(opened.Sigs)-1)
		}
		check(log.shutdown(ctx))
	case "refused":
		short, cancel := context.WithTimeout(ctx, patience)
		defer cancel()
		for entry := range entries {
			log.appender.Add(ctx, tessera.NewEntry([]byte(fmt.Sprintf("%s-%d", os.Args[7], entry))))
		}
		<-short.Done()
		size, err := log.reader.IntegratedSize(ctx)
		check(err)
		after := published(folder)
		if before == "" || after != before {
			fail("it was published:\n%s", after)
		}
		shown := strings.Split(after, "\n")[1]
		if known, err := strconv.Atoi(shown); err != nil || size != uint64(known+entries) {
			fail("%d entries are there after %s, so nothing was asked for", size, shown)
		}
		fmt.Printf("%d entries are there, and nothing beyond %s is published\n", size, shown)
	default:
		fail("no such command: %s", os.Args[1])
	}
}

type running struct {
	appender *tessera.Appender
	shutdown func(context.Context) error
	reader   tessera.LogReader
}

// open starts Tessera; all entries of a round make one batch.
func open(ctx context.Context, signer note.Signer, policy, folder string, batch uint) running {
	group, err := tessera.NewWitnessGroupFromPolicy([]byte(policy))
	check(err)
	driver, err := posix.New(ctx, posix.Config{Path: folder})
	check(err)
	options := tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(batch, time.Second).
		WithCheckpointInterval(interval).
		WithWitnesses(group, nil)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, options)
	check(err)
	return running{appender, shutdown, reader}
}

// grow gives the checkpoint that was published with the entries in it.
func grow(ctx context.Context, log running, entries int, prefix string) []byte {
	waiting := tessera.NewPublicationAwaiter(ctx, log.reader.ReadCheckpoint, interval/4)
	futures := make([]tessera.IndexFuture, entries)
	for entry := range futures {
		futures[entry] = log.appender.Add(ctx, tessera.NewEntry([]byte(fmt.Sprintf("%s-%d", prefix, entry))))
	}
	var checkpoint []byte
	for _, future := range futures {
		var err error
		_, checkpoint, err = waiting.Await(ctx, future)
		check(err)
	}
	return checkpoint
}

// verified opens a checkpoint with the key of the log and those of the witnesses, all of which must have signed it.
func verified(checkpoint []byte, log note.Verifier, policy string) *note.Note {
	verifiers := []note.Verifier{log}
	for _, line := range strings.Split(policy, "\n") {
		if fields := strings.Fields(line); len(fields) > 2 && fields[0] == "witness" {
			witness, err := formats.NewVerifierForCosignatureV1(fields[2])
			check(err)
			verifiers = append(verifiers, witness)
		}
	}
	opened, err := note.Open(checkpoint, note.VerifierList(verifiers...))
	check(err)
	if len(opened.Sigs) != len(verifiers) {
		fail("signed by %d of %d:\n%s", len(opened.Sigs), len(verifiers), checkpoint)
	}
	return opened
}

// key reads a node's key file (`luxor-secret-log:` and the seed) as a signer under the log's origin.
func key(text, origin string) (note.Signer, note.Verifier) {
	encoded, found := strings.CutPrefix(strings.TrimSpace(text), "luxor-secret-log:")
	seed, err := base64.RawURLEncoding.DecodeString(encoded)
	if !found || err != nil || len(seed) != ed25519.SeedSize {
		fail("not the key file of a log")
	}
	public := ed25519.NewKeyFromSeed(seed).Public().(ed25519.PublicKey)
	typed := func(key []byte) string {
		return base64.StdEncoding.EncodeToString(append([]byte{algEd25519}, key...))
	}
	digest := sha256.Sum256(append([]byte(origin+"\n"), append([]byte{algEd25519}, public...)...))
	name := fmt.Sprintf("%s+%08x", origin, binary.BigEndian.Uint32(digest[:]))
	signer, err := note.NewSigner("PRIVATE+KEY+" + name + "+" + typed(seed))
	check(err)
	verifier, err := note.NewVerifier(name + "+" + typed(public))
	check(err)
	return signer, verifier
}

// published gives the checkpoint in a folder; none is "".
func published(folder string) string {
	text, err := os.ReadFile(folder + "/checkpoint")
	if err != nil && !os.IsNotExist(err) {
		check(err)
	}
	return string(text)
}

func read(file string) string {
	text, err := os.ReadFile(file)
	check(err)
	return string(text)
}

func check(err error) {
	if err != nil {
		fail("%v", err)
	}
}

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(1)
}
