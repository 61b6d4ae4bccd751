// Command exemptserver is a company's own exemption service, as docs/exemption.md describes it: an example to start from, and what the live tests ask.
//
//	exemptserver -listen 127.0.0.1:8099 -list exempt.csv [-token-file FILE]
//
// The list has the columns number,until,ref, with a head line; it is read again for each question. Numbers are international, with a plus; until is a
// day, or empty. It listens on loopback; in front of the world it needs TLS.
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

// maxQuestion bounds what is read of a request.
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
	list := flag.String("list", "", "CSV file of those who are exempt")
	tokenFile := flag.String("token-file", "", "file of the bearer token that must be shown; none if left out")
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
			return fmt.Errorf("the token: %w", err)
		}
		s.token = strings.TrimSpace(string(text))
	}
	srv := &http.Server{Addr: listen, Handler: s, ReadTimeout: 5 * time.Second, WriteTimeout: 5 * time.Second, IdleTimeout: time.Minute}
	return srv.ListenAndServe()
}

// ServeHTTP answers one question.
func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodPost {
		http.Error(w, "POST a question", http.StatusMethodNotAllowed)
		return
	}
	if !s.allowed(r) {
		http.Error(w, "unknown token", http.StatusUnauthorized)
		return
	}
	var q question
	if err := json.NewDecoder(io.LimitReader(r.Body, maxQuestion)).Decode(&q); err != nil || q.Number == "" {
		http.Error(w, "a question has a number and an instant", http.StatusBadRequest)
		return
	}
	a, err := s.answer(q)
	if err != nil {
		fmt.Fprintf(os.Stderr, "exemptserver: %v\n", err)
		http.Error(w, "the list can't be read", http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	if err := json.NewEncoder(w).Encode(a); err != nil {
		fmt.Fprintf(os.Stderr, "exemptserver: %v\n", err)
	}
}

func (s *service) allowed(r *http.Request) bool {
	shown := sha256.Sum256([]byte(r.Header.Get("Authorization")))
	want := sha256.Sum256([]byte("Bearer " + s.token))
	return s.token == "" || subtle.ConstantTimeCompare(shown[:], want[:]) == 1
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
