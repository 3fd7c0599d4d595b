//go:build docs

// The rest of a program around the code of the docs, which smoke.py puts beside this file.
package main

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
)

func mayRead(_ *http.Request, name string) bool { return name == "private-dogs" }

func asked(name string) (int, string) {
	body := bytes.NewBufferString("channel_name=" + name + "&socket_id=1.2")
	answer := httptest.NewRecorder()
	auth(answer, httptest.NewRequest("POST", "/pusher/auth", body))
	return answer.Code, answer.Body.String()
}

func main() {
	if status, _ := asked("private-cats"); status != http.StatusForbidden {
		panic(status)
	}
	if status, answer := asked("private-dogs"); status != http.StatusOK || !strings.Contains(answer, client.Key+":") {
		panic(answer)
	}
	if err := post(); err != nil {
		panic(err)
	}
}
