package delivery

import (
	"context"
	"sync"

	"github.com/risposta/gateway/metering"
	"github.com/risposta/gateway/metering/delivery"
	"github.com/risposta/gateway/metering/delivery/age"
	"github.com/risposta/gateway/metering/ledger"
)

// Payers encrypts callers' numbers to the billing department. What it has encrypted takes the place
// of the number in the ledger, so that each sink gets the same bytes each time, and the gateway can
// no longer read them. A nil *Payers encrypts nothing. Its methods may be called by several
// goroutines.
type Payers struct {
	pseudonyms *metering.Pseudonyms
	recipient  *age.Recipient
	mu         sync.Mutex // one batch at a time
}

// NewPayers takes the callers' keys, and the billing department's public key.
func NewPayers(pseudonyms *metering.Pseudonyms, recipient *age.Recipient) *Payers {
	return &Payers{pseudonyms: pseudonyms, recipient: recipient}
}

// seal encrypts the numbers of some changes where somebody pays and no sink has had the number yet,
// and sets their payers. unsealed has why there is none of a call.
func (p *Payers) seal(
	ctx context.Context, store ledger.Payers, changes []ledger.Change,
) (unsealed map[metering.CallID]error, err error) {
	if p == nil {
		for i := range changes {
			changes[i].Payer, changes[i].EncryptedCaller = nil, nil
		}
		return nil, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	unsealed = map[metering.CallID]error{}
	sealed := map[metering.CallID][]byte{}
	for i := range changes {
		c := &changes[i]
		if c.EncryptedCaller == nil || c.Payer != nil || sealed[c.Call] != nil {
			continue
		}
		if e, err := delivery.NewEvent(*c); err != nil || !e.Pays() {
			continue
		}
		number, err := p.pseudonyms.Decrypt(c.EncryptedCaller)
		if err != nil {
			unsealed[c.Call] = err
			continue
		}
		if sealed[c.Call], err = p.recipient.Encrypt(number); err != nil {
			return nil, err
		}
	}
	if len(sealed) == 0 {
		return unsealed, nil
	}
	kept, err := store.SealPayers(ctx, sealed)
	if err != nil {
		return nil, err
	}
	for i := range changes {
		if payer, ok := kept[changes[i].Call]; ok {
			changes[i].Payer = payer
		}
	}
	return unsealed, nil
}
