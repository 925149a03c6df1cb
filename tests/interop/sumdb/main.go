// Verifies a Luxor log, exported as static files or served by a node, with Go's own library (golang.org/x/mod/sumdb/note and tlog), which
// shares no code with Luxor: the checkpoint's note, every entry and tile, the root, inclusion and consistency proofs.
//
//	sumdb VKEY FOLDER|URL OLD_CHECKPOINT...
package main

import (
	"encoding/binary"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Entries in a full bundle, hashes in a full tile.
const width = 256

var client = http.Client{Timeout: 30 * time.Second}

// A proof is checked for every so many entries, and for the last ones.
const proofEvery = 997

func main() {
	if len(os.Args) < 3 {
		fail("usage: sumdb VKEY FOLDER|URL OLD_CHECKPOINT...")
	}
	folder := os.Args[2]
	verifier, err := note.NewVerifier(os.Args[1])
	check(err)
	signed, err := fetch(folder, "checkpoint")
	check(err)
	tree := open(signed, verifier)
	reader := &tiles{folder: folder, kept: map[tlog.Tile][]byte{}}
	// The hash reader authenticates every tile it uses against the root.
	hashes := tlog.TileHashReader(tree, reader)
	fmt.Printf("note: signed by %s, %d entries\n", verifier.Name(), tree.N)

	leaves := entries(folder, tree.N)
	stored := make([]tlog.Hash, 0, tlog.StoredHashCount(tree.N))
	inMemory := tlog.HashReaderFunc(func(indexes []int64) ([]tlog.Hash, error) {
		found := make([]tlog.Hash, len(indexes))
		for at, index := range indexes {
			found[at] = stored[index]
		}
		return found, nil
	})
	for index, leaf := range leaves {
		more, err := tlog.StoredHashesForRecordHash(int64(index), leaf, inMemory)
		check(err)
		stored = append(stored, more...)
	}
	root, err := tlog.TreeHash(tree.N, inMemory)
	check(err)
	if root != tree.Hash {
		fail("the entries give another root than the checkpoint's")
	}
	fmt.Printf("entries: %d in bundles give the root %s\n", tree.N, root)

	wanted := tlog.NewTiles(8, 0, tree.N)
	checked := 0
	for at, tile := range wanted {
		// The library names a partial tile once for each size on the way; a log of one size has the widest.
		if at+1 < len(wanted) && wanted[at+1].L == tile.L && wanted[at+1].N == tile.N {
			continue
		}
		checked++
		data, err := tlog.ReadTileData(tile, inMemory)
		check(err)
		if string(data) != string(reader.read(tile)) {
			fail("%s is not what the entries give", path(tile))
		}
	}
	fmt.Printf("tiles: %d are what the entries give\n", checked)

	proofs := 0
	for index := int64(0); index < tree.N; index++ {
		if index%proofEvery != 0 && index < tree.N-3 {
			continue
		}
		proof, err := tlog.ProveRecord(tree.N, index, hashes)
		check(err)
		check(tlog.CheckRecord(proof, tree.N, tree.Hash, index, leaves[index]))
		proofs++
	}
	fmt.Printf("inclusion: %d proofs made from the tiles verify\n", proofs)

	for _, file := range os.Args[3:] {
		signed, err := os.ReadFile(file)
		check(err)
		old := open(signed, verifier)
		proof, err := tlog.ProveTree(tree.N, old.N, hashes)
		check(err)
		check(tlog.CheckTree(proof, tree.N, tree.Hash, old.N, old.Hash))
		fmt.Printf("consistency: the log extends its checkpoint of %d entries\n", old.N)
	}
}

// fetch reads a file of the log from its folder, or from where a node serves it.
func fetch(place, name string) ([]byte, error) {
	if !strings.HasPrefix(place, "http://") {
		return os.ReadFile(filepath.Join(place, name))
	}
	answer, err := client.Get(place + "/" + name)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", name, answer.Status)
	}
	return io.ReadAll(answer.Body)
}

// open verifies a checkpoint's note. The library's own ParseTree wants another first line, so the text is read here.
func open(data []byte, verifier note.Verifier) tlog.Tree {
	opened, err := note.Open(data, note.VerifierList(verifier))
	check(err)
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[0] != verifier.Name() {
		fail("not a checkpoint of %s", verifier.Name())
	}
	tree, err := tlog.ParseTree([]byte("go.sum database tree\n" + lines[1] + "\n" + lines[2] + "\n"))
	check(err)
	return tree
}

// entries reads all bundles and gives the leaf hashes.
func entries(folder string, size int64) []tlog.Hash {
	leaves := make([]tlog.Hash, 0, size)
	for index := int64(0); index*width < size; index++ {
		tile := tlog.Tile{H: 8, L: -1, N: index, W: width}
		if left := size - index*width; left < width {
			tile.W = int(left)
		}
		data, err := fetch(folder, path(tile))
		check(err)
		for entry := 0; entry < tile.W; entry++ {
			if len(data) < 2 || len(data) < 2+int(binary.BigEndian.Uint16(data)) {
				fail("%s ends in entry %d", path(tile), entry)
			}
			end := 2 + int(binary.BigEndian.Uint16(data))
			leaves = append(leaves, tlog.RecordHash(data[2:end]))
			data = data[end:]
		}
		if len(data) != 0 {
			fail("%s has %d bytes too many", path(tile), len(data))
		}
	}
	return leaves
}

// path maps the library's `tile/8/…` and `tile/8/data/…` to the paths of C2SP.
func path(tile tlog.Tile) string {
	name := strings.TrimPrefix(tile.Path(), "tile/8/")
	if data := strings.TrimPrefix(name, "data/"); data != name {
		return "tile/entries/" + data
	}
	return "tile/" + name
}

type tiles struct {
	folder string
	kept   map[tlog.Tile][]byte
}

func (t *tiles) Height() int { return 8 }

func (t *tiles) ReadTiles(wanted []tlog.Tile) ([][]byte, error) {
	found := make([][]byte, len(wanted))
	for at, tile := range wanted {
		if t.kept[tile] == nil {
			t.kept[tile] = t.read(tile)
		}
		found[at] = t.kept[tile]
	}
	return found, nil
}

func (t *tiles) SaveTiles([]tlog.Tile, [][]byte) {}

func (t *tiles) read(tile tlog.Tile) []byte {
	data, err := fetch(t.folder, path(tile))
	check(err)
	return data
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
