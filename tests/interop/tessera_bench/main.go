// Appends entries to a log that Tessera keeps in files (its POSIX storage), so many in flight, and prints one line of JSON like `luxor bench log`.
//
//	tessera_bench FOLDER ENTRIES BYTES IN_FLIGHT BATCH AGE_MS
//
// An entry's latency ends when Tessera says that it is durable and gives its index. Its checkpoints are signed and published beside that, ten times
// a second, so an entry is in a signed tree later than its latency says; Luxor's latency ends when a signed checkpoint covers the entry.
package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
)

const checkpointInterval = 100 * time.Millisecond

func main() {
	if len(os.Args) != 7 {
		fail("usage: tessera_bench FOLDER ENTRIES BYTES IN_FLIGHT BATCH AGE_MS")
	}
	folder := os.Args[1]
	var numbers [5]int
	for at := range numbers {
		number, err := strconv.Atoi(os.Args[2+at])
		check(err)
		numbers[at] = number
	}
	entries, size, inFlight, batch, age := numbers[0], numbers[1], numbers[2], numbers[3], numbers[4]

	ctx := context.Background()
	secret, _, err := note.GenerateKey(rand.Reader, "tessera.bench")
	check(err)
	signer, err := note.NewSigner(secret)
	check(err)
	driver, err := posix.New(ctx, posix.Config{Path: folder})
	check(err)
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithBatching(uint(batch), time.Duration(age)*time.Millisecond).
		WithPushback(uint(max(4*inFlight, tessera.DefaultPushbackMaxOutstanding))).
		WithCheckpointInterval(checkpointInterval))
	check(err)

	// Entries differ, and do not compress.
	latencies := make([]time.Duration, entries)
	next := make(chan int)
	var workers sync.WaitGroup
	for range inFlight {
		workers.Add(1)
		go func() {
			defer workers.Done()
			for at := range next {
				entry := make([]byte, size)
				_, err := rand.Read(entry)
				check(err)
				began := time.Now()
				_, err = appender.Add(ctx, tessera.NewEntry(entry))()
				check(err)
				latencies[at] = time.Since(began)
			}
		}()
	}
	began := time.Now()
	for at := range entries {
		next <- at
	}
	close(next)
	workers.Wait()
	seconds := time.Since(began).Seconds()
	integrated, err := reader.IntegratedSize(ctx)
	check(err)
	if integrated != uint64(entries) {
		fail("%d entries are there", integrated)
	}
	check(shutdown(ctx))

	slices.Sort(latencies)
	at := func(percent int) float64 {
		rank := max((len(latencies)*percent+99)/100, 1)
		return float64(latencies[rank-1].Microseconds()) / 1000
	}
	fmt.Printf(`{"entries":%d,"entry_bytes":%d,"in_flight":%d,"batch":%d,"batch_age_ms":%d,"seconds":%.3f,"entries_per_second":%d,`+
		`"loaded_p50_ms":%.3f,"loaded_p99_ms":%.3f}`+"\n",
		entries, size, inFlight, batch, age, seconds, int(float64(entries)/seconds), at(50), at(99))
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
