package lab

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// Softphone is a baresip process: it sends audio and RTCP as a person's phone does, until it is
// killed.
type Softphone struct {
	cmd  *exec.Cmd
	out  *bytes.Buffer
	done chan struct{}
}

const softphoneConfig = `module_path /usr/lib/baresip/modules
module g711.so
module aufile.so
module_app account.so
module_app menu.so
sip_listen 127.0.0.1:%d
net_interface 127.0.0.1
audio_source aufile,%s
audio_player aufile,%s
rtp_ports %d-%d
call_max_calls 1
`

// StartSoftphone starts a phone that answers at once, or dials the number if the plan has one.
func StartSoftphone(dir, user string, p Plan) (*Softphone, error) {
	media, err := FreePort("udp")
	if err != nil {
		return nil, err
	}
	spoken, heard := filepath.Join(dir, "spoken.wav"), filepath.Join(dir, "heard.wav")
	config := fmt.Sprintf(softphoneConfig, p.Port, spoken, heard, media, media+portStep-1)
	const account = "<sip:%s@127.0.0.1:%d>;regint=0;answermode=auto;auth_pass=none;audio_codecs=PCMU/8000/1\n"
	files := map[string]string{
		"config": config, "accounts": fmt.Sprintf(account, user, p.Server), "contacts": "",
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			return nil, err
		}
	}
	if err := Silence(spoken, partyTimeout); err != nil {
		return nil, err
	}
	args := []string{"-f", dir, "-4"}
	if p.Number != "" {
		args = append(args, "-e", fmt.Sprintf("d sip:%s@127.0.0.1:%d", p.Number, p.Server))
	}
	s := &Softphone{out: &bytes.Buffer{}, done: make(chan struct{})}
	s.cmd = exec.Command("baresip", args...)
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.out
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := s.cmd.Start(); err != nil {
		return nil, fmt.Errorf("starting baresip (is it installed? `make setup`): %w", err)
	}
	go func() {
		_ = s.cmd.Wait() // it is killed
		close(s.done)
	}()
	return s, nil
}

// Kill ends the phone as a power cut would: it sends nothing more, no BYE either.
func (s *Softphone) Kill() {
	_ = s.cmd.Process.Kill() // it may have ended by itself
	<-s.done
}

// Output is what the phone wrote; call it after Kill.
func (s *Softphone) Output() string { return s.out.String() }

// Silence writes a WAV file of 16-bit samples, 8000 a second, that are all 0.
func Silence(path string, lasts time.Duration) error {
	const rate, sample = 8000, 2
	size := uint32(lasts.Seconds()) * rate * sample
	var header bytes.Buffer
	for _, part := range []any{
		[]byte("RIFF"), size + 36, []byte("WAVEfmt "), uint32(16), uint16(1), uint16(1),
		uint32(rate), uint32(rate * sample), uint16(sample), uint16(8 * sample), []byte("data"), size,
	} {
		if err := binary.Write(&header, binary.LittleEndian, part); err != nil {
			return err
		}
	}
	if err := os.WriteFile(path, header.Bytes(), 0o600); err != nil {
		return err
	}
	return os.Truncate(path, int64(header.Len())+int64(size))
}
