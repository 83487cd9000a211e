package main

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	idForm        = regexp.MustCompile(`^[A-Za-z0-9_-]{1,64}$`)
	timestampForm = regexp.MustCompile(`^[0-9]{1,11}$`)
)

// Verify takes the bytes of the body as received, before any decoding.
func Verify(secret string, header http.Header, body []byte, now time.Time) (bool, error) {
	id, timestamp := header.Get("webhook-id"), header.Get("webhook-timestamp")
	if !idForm.MatchString(id) || !timestampForm.MatchString(timestamp) {
		return false, nil
	}
	seconds, _ := strconv.ParseInt(timestamp, 10, 64)
	if math.Abs(float64(now.Unix()-seconds)) > 300 {
		return false, nil
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) < 24 {
		return false, errors.New("the secret is too short or not base64")
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + timestamp + "."))
	mac.Write(body)
	expected := []byte("v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)))
	for i, one := range strings.SplitN(header.Get("webhook-signature"), " ", 17) {
		if i < 16 && hmac.Equal([]byte(one), expected) {
			return true, nil
		}
	}
	return false, nil
}
