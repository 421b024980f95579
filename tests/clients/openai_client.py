"""OpenAI's own client for Python against the server whose address is the first argument: exits with 0 if all is right."""
import sys

import openai

client = openai.OpenAI(base_url=f"{sys.argv[1]}/v1", api_key="secret", max_retries=0)
settings = dict(model="tinyworld", max_tokens=24, temperature=0.7, seed=3)
messages = [{"role": "user", "content": "Once upon a time, a girl"}]

assert [model.id for model in client.models.list()] == ["tinyworld"]

asked = dict(settings, prompt="Once upon a time", logprobs=2, stop=["\n"])
whole = client.completions.create(**asked)
chunks = list(client.completions.create(**asked, stream=True, stream_options={"include_usage": True}))
parts = [chunk.choices[0] for chunk in chunks if chunk.choices]
assert "".join(part.text for part in parts) == whole.choices[0].text
assert sum((part.logprobs.token_logprobs for part in parts), []) == whole.choices[0].logprobs.token_logprobs
assert sum((part.logprobs.top_logprobs for part in parts), []) == whole.choices[0].logprobs.top_logprobs
assert chunks[-1].usage.total_tokens == whole.usage.total_tokens
assert client.completions.create(**asked).choices == whole.choices

asked = dict(settings, messages=messages, logprobs=True, top_logprobs=3)
whole = client.chat.completions.create(**asked)
chunks = list(client.chat.completions.create(**asked, stream=True))
assert chunks[0].choices[0].delta.role == "assistant"
assert "".join(chunk.choices[0].delta.content or "" for chunk in chunks) == whole.choices[0].message.content
content = [one for chunk in chunks if chunk.choices[0].logprobs for one in chunk.choices[0].logprobs.content]
assert content == whole.choices[0].logprobs.content and len(content[0].top_logprobs) == 3
assert len({chunk.id for chunk in chunks}) == 1
assert chunks[-1].choices[0].finish_reason == whole.choices[0].finish_reason

stop = whole.choices[0].message.content[4:7]
stopped = client.chat.completions.create(**dict(asked, stop=stop)).choices[0]
assert stopped.message.content == whole.choices[0].message.content.split(stop)[0]
assert stopped.finish_reason == "stop"


def fails(kind, **more):
    try:
        client.completions.create(**dict(settings, prompt="Once", **more))
    except kind as error:
        return error
    raise AssertionError(f"{more} is no {kind}")


assert fails(openai.BadRequestError, best_of=4).param == "best_of"
assert fails(openai.BadRequestError, extra_body={"grammar": "x"}).param == "grammar"
client = client.with_options(api_key="wrong")
assert fails(openai.AuthenticationError).code == "invalid_api_key"
print("right")
