// Pusher's library for Go against the River of RIVER_PUSHER (see smoke.py).
package main

import (
	"encoding/json"
	"fmt"
	"log"
	"os"
	"strings"

	pusher "github.com/pusher/pusher-http-go/v5"
)

type river struct {
	Host    string
	APIPort int `json:"apiPort"`
	AppID   string
	Key     string
	Secret  string
}

func must(err error) {
	if err != nil {
		log.Fatal(err)
	}
}

func demand(held bool, what string, is any) {
	if !held {
		log.Fatalf("%s: %v", what, is)
	}
}

func main() {
	var at river
	must(json.Unmarshal([]byte(os.Getenv("RIVER_PUSHER")), &at))
	client := pusher.Client{AppID: at.AppID, Key: at.Key, Secret: at.Secret, Host: fmt.Sprintf("%s:%d", at.Host, at.APIPort)}

	must(client.Trigger("go", "post", map[string]string{"text": "Grüße"}))
	must(client.TriggerMulti([]string{"go", "private-go"}, "post", 1))
	must(client.TriggerExclusive("go", "post", 1, "1.1"))
	must(client.SendToUser("ann", "post", 1))
	_, err := client.TriggerBatch([]pusher.Event{{Channel: "go", Name: "post", Data: "1"}})
	must(err)

	channels, err := client.Channels(pusher.ChannelsParams{})
	must(err)
	demand(len(channels.Channels) >= 0, "channels", channels)
	info := "subscription_count"
	channel, err := client.Channel("go", pusher.ChannelParams{Info: &info})
	must(err)
	demand(!channel.Occupied, "nobody is there", channel)
	users, err := client.GetChannelUsers("presence-go")
	must(err)
	demand(len(users.List) == 0, "users", users)

	signed, err := client.AuthorizePrivateChannel([]byte("socket_id=1.1&channel_name=private-go"))
	must(err)
	demand(strings.Contains(string(signed), at.Key+":"), "signature", string(signed))

	wrong := client
	wrong.Secret = "not the secret of this app"
	demand(wrong.Trigger("go", "post", 1) != nil, "a wrong secret", "taken")
	fmt.Println("go: fine")
}
