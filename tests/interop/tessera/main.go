// Checks a Luxor log, exported as static files or served by a node, with Tessera's own fsck: the checkpoint's signature, every entry and tile,
// the root. Nothing here decides anything; it only says where the files lie.
//
//	tessera VKEY FOLDER|URL
package main

import (
	"context"
	"fmt"
	"net/url"
	"os"
	"strings"

	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/api"
	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"
)

// Workers that compare files.
const workers = 2

func main() {
	if len(os.Args) != 3 {
		fail("usage: tessera VKEY FOLDER|URL")
	}
	verifier, err := note.NewVerifier(os.Args[1])
	if err != nil {
		fail("%v", err)
	}
	var files fsck.Fetcher = client.FileFetcher{Root: os.Args[2]}
	if strings.HasPrefix(os.Args[2], "http://") {
		root, err := url.Parse(os.Args[2])
		if err != nil {
			fail("%v", err)
		}
		if files, err = client.NewHTTPFetcher(root, nil); err != nil {
			fail("%v", err)
		}
	}
	check := fsck.New(verifier.Name(), verifier, files, leafHashes, fsck.Opts{N: workers})
	if err := check.Check(context.Background()); err != nil {
		fail("%v", err)
	}
	fmt.Printf("fsck: the log of %s is whole\n", verifier.Name())
}

func leafHashes(bytes []byte) ([][]byte, error) {
	var bundle api.EntryBundle
	if err := bundle.UnmarshalText(bytes); err != nil {
		return nil, err
	}
	hashes := make([][]byte, 0, len(bundle.Entries))
	for _, entry := range bundle.Entries {
		hashes = append(hashes, rfc6962.DefaultHasher.HashLeaf(entry))
	}
	return hashes, nil
}

func fail(format string, values ...any) {
	fmt.Fprintf(os.Stderr, format+"\n", values...)
	os.Exit(1)
}
