// Command exemptserver is an example of a company's own exemption service, as docs/exemption.md
// describes it: a starting point for your own, and the server that the live tests ask.
//
//	exemptserver -listen 127.0.0.1:8099 -list exempt.csv [-token-file FILE]
//
// In: POST requests with a number and an instant. Out: exempt yes or no, with a reference and an
// end. The list has the columns number,until,ref and a header line; each request reads it again.
// Numbers are international, with a plus; until is a day, or empty. It stores nothing. It listens
// on loopback; a public service needs TLS.
package main

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/csv"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"net/http"
	"os"
	"strings"
	"time"
)

// maxQuestion is the largest request that is read, in bytes.
const maxQuestion = 4 << 10

type service struct {
	list  string
	token string
}

type question struct {
	Number string    `json:"number"`
	At     time.Time `json:"at"`
}

type reply struct {
	Exempt string `json:"exempt"`
	Ref    string `json:"ref,omitempty"`
	Until  string `json:"until,omitempty"`
}

func main() {
	listen := flag.String("listen", "127.0.0.1:8099", "address to listen on")
	list := flag.String("list", "", "CSV file of the exempt numbers")
	tokenFile := flag.String("token-file", "",
		"file with the bearer token that clients must send; empty: no token")
	flag.Parse()
	if err := run(*listen, *list, *tokenFile); err != nil {
		fmt.Fprintf(os.Stderr, "exemptserver: %v\n", err)
		os.Exit(1)
	}
}

func run(listen, list, tokenFile string) error {
	s := &service{list: list}
	if tokenFile != "" {
		text, err := os.ReadFile(tokenFile)
		if err != nil {
			return fmt.Errorf("reading the token: %w", err)
		}
		s.token = strings.TrimSpace(string(text))
	}
	srv := &http.Server{Addr: listen, Handler: s, ReadTimeout: 5 * time.Second,
		WriteTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	return srv.ListenAndServe()
}

// ServeHTTP answers one lookup.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "send a POST request", http.StatusMethodNotAllowed)
		return
	}
	if !s.allowed(r) {
		http.Error(w, "unknown token", http.StatusUnauthorized)
		return
	}
	var q question
	if err := json.NewDecoder(io.LimitReader(r.Body, maxQuestion)).Decode(&q); err != nil ||
		q.Number == "" {
		http.Error(w, "the request needs a number and an instant", http.StatusBadRequest)
		return
	}
	a, err := s.answer(q)
	if err != nil {
		fmt.Fprintf(os.Stderr, "exemptserver: %v\n", err)
		http.Error(w, "reading the list failed", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(a); err != nil {
		fmt.Fprintf(os.Stderr, "exemptserver: %v\n", err)
	}
}

func (s *service) allowed(r *http.Request) bool {
	got := sha256.Sum256([]byte(r.Header.Get("Authorization")))
	want := sha256.Sum256([]byte("Bearer " + s.token))
	return s.token == "" || subtle.ConstantTimeCompare(got[:], want[:]) == 1
}

func (s *service) answer(q question) (reply, error) {
	text, err := os.ReadFile(s.list)
	if err != nil {
		return reply{}, err
	}
	rows, err := csv.NewReader(bytes.NewReader(text)).ReadAll()
	if err != nil {
		return reply{}, err
	}
	for i, row := range rows {
		if i == 0 || len(row) < 3 || row[0] != q.Number {
			continue
		}
		if row[1] == "" {
			return reply{Exempt: "yes", Ref: row[2]}, nil
		}
		until, err := time.Parse(time.DateOnly, row[1])
		if err != nil {
			return reply{}, fmt.Errorf("line %d: %w", i+1, err)
		}
		if until = until.AddDate(0, 0, 1); q.At.Before(until) {
			return reply{Exempt: "yes", Ref: row[2], Until: until.Format(time.RFC3339)}, nil
		}
	}
	return reply{Exempt: "no"}, nil
}
