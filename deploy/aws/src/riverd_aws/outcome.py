"""What is told when River runs: where it is, and code for server and page that works as pasted."""

from collections.abc import Mapping

OUTPUTS = ("WebSocketUrl", "PublishUrl", "TokenSecretName", "ApiKeyName")
"""What every deployment of River tells."""


def outputs(values: Mapping[str, str]) -> str:
    """The stack's outputs, one a line."""
    width = max(map(len, values))
    ordered = [name for name in OUTPUTS if name in values]
    ordered += [name for name in values if name not in OUTPUTS]
    return "\n".join(f"  {name:<{width}}  {values[name]}" for name in ordered)


def snippet(values: Mapping[str, str], region: str) -> str:
    """Code for a back end and a page. The secrets are read where they are kept, not shown."""
    web, publish = values["WebSocketUrl"], values["PublishUrl"]
    page = web.replace("wss://", "https://").removesuffix("/ws")
    retry = "new Promise((go) => setTimeout(go, 2000)).then(() => load(`${url}#`))"
    return f"""
On your server: pip install boto3 pyjwt requests

    import time, boto3, jwt, requests

    kept = boto3.client("secretsmanager", region_name="{region}")
    read = lambda name: kept.get_secret_value(SecretId=name)["SecretString"]

    # Who the page's user is: hand this token to the page.
    claims = {{"sub": "alice", "exp": int(time.time()) + 3600}}
    token = jwt.encode(claims, read("{values["TokenSecretName"]}"), "HS256")

    # Tell everybody who hears the channel.
    requests.post(
        "{publish}/publish",
        headers={{"x-api-key": read("{values["ApiKeyName"]}")}},
        json={{"channel": "dogs", "event": "post", "data": {{"text": "Hello, River"}}}},
        timeout=10,
    ).raise_for_status()

In the page:

    <script type="module">
      const load = (url) => import(url).catch(() => {retry});
      const {{ River }} = await load("{page}/client/river.js");
      const river = new River({{ host: "{web.removesuffix("/ws")}", token: "THE TOKEN" }});
      river.subscribe("dogs").on("post", (data) => console.log(data));
    </script>
"""
