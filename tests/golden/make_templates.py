"""Renders chat templates with transformers, to hold our templates against.

    python tests/golden/make_templates.py

Writes tests/golden/templates.json: `conversations`; `families`, whole templates of our own with what the templates of public
model families are made of, each with runs: a conversation's name, the variables beside it, and the text that transformers renders,
or null where it raises an error; `constructs`, single expressions and statements with the text that they render.
"""

import json
import os
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from template_families import FAMILIES
from template_constructs import CONSTRUCTS
from transformers.utils.chat_template_utils import render_jinja_template

HERE = os.path.dirname(os.path.abspath(__file__))

WEATHER = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "Tells the weather of a \"place\" – 'today'.",
        "parameters": {
            "type": "object",
            "properties": {
                "place": {"type": "string", "description": "A city & its <country>"},
                "unit": {"type": "string", "enum": ["celsius", "fahrenheit"]},
                "days": {"type": "integer", "default": 3},
                "exact": {"type": "boolean", "nullable": True},
                "points": {"type": "array", "items": {"type": "number"}},
            },
            "required": ["place"],
        },
        "return": {"type": "object"},
    },
}
ADD = {
    "type": "function",
    "function": {
        "name": "add",
        "description": "Adds.",
        "parameters": {"type": "object", "properties": {"a": {"type": "number"}, "b": {"type": ["number", "null"]}}},
    },
}
CALL = {
    "id": "call12345",
    "type": "function",
    "function": {"name": "get_weather", "arguments": {"place": "Zürich", "days": 2, "exact": True, "unit": None}},
}
CONVERSATIONS = {
    "question": [{"role": "user", "content": "Who are you?"}],
    "system": [{"role": "system", "content": " You are brief.\n"}, {"role": "user", "content": "  Hello 🙂  "}],
    "turns": [
        {"role": "user", "content": "1 + 1?"},
        {"role": "assistant", "content": "2"},
        {"role": "user", "content": "Why?\r\nSay \"{{ hi }}\" and <b>'é'</b>"},
    ],
    "long": [
        {"role": "system", "content": "Be kind."},
        {"role": "user", "content": "a"},
        {"role": "assistant", "content": "b\n"},
        {"role": "user", "content": "\nc"},
        {"role": "assistant", "content": ""},
        {"role": "user", "content": "d"},
    ],
    "thinking": [
        {"role": "user", "content": "One?"},
        {"role": "assistant", "content": "<think>\nhm, one\n</think>\n\nOne."},
        {"role": "user", "content": "Two?"},
        {"role": "assistant", "content": "Two.", "reasoning_content": "\nsecond\n"},
        {"role": "user", "content": "Three?"},
    ],
    "tools": [
        {"role": "system", "content": "Use tools."},
        {"role": "user", "content": "Weather in Zürich?"},
        {"role": "assistant", "content": None, "tool_calls": [CALL, {**CALL, "id": "call67890"}]},
        {"role": "tool", "name": "get_weather", "tool_call_id": "call12345", "content": "{\"sky\": \"grau\"}"},
        {"role": "tool", "name": "get_weather", "tool_call_id": "call67890", "content": "sunny"},
        {"role": "assistant", "content": "Grey."},
        {"role": "user", "content": "Thanks"},
    ],
    "parts": [
        {"role": "system", "content": [{"type": "text", "text": "Look."}]},
        {"role": "user", "content": [{"type": "image"}, {"type": "text", "text": " What is this? "}, {"type": "audio"}]},
        {"role": "assistant", "content": [{"type": "text", "text": "A cat."}]},
        {"role": "user", "content": "Sure?"},
    ],
    "two_users": [{"role": "user", "content": "a"}, {"role": "user", "content": "b"}],
    "unknown_role": [{"role": "user", "content": "a"}, {"role": "critic", "content": "b"}],
}
DOCUMENTS = [{"title": "Cats", "text": "Cats purr."}, {"title": "Dogs & more", "text": "Dogs\nbark."}]
TOKENS = {"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "<pad>"}


def render(template, conversation, variables):
    given = {**TOKENS, **variables}
    messages = [{k: v for k, v in message.items() if v is not None} for message in CONVERSATIONS[conversation]]
    try:
        return render_jinja_template(conversations=[messages], chat_template=template, **given)[0][0]
    except Exception as error:
        return None


def main():
    families = []
    for name, template, runs in FAMILIES:
        made = []
        for conversation, variables in runs:
            variables = dict(variables)
            if variables.get("tools") is True:
                variables["tools"] = [WEATHER, ADD]
            if variables.get("documents") is True:
                variables["documents"] = DOCUMENTS
            output = render(template, conversation, variables)
            short = {k: k if v in ([WEATHER, ADD], DOCUMENTS) else v for k, v in variables.items()}
            made.append({"conversation": conversation, "variables": short, "output": output})
        families.append({"name": name, "template": template, "runs": made})
    variables = {
        "text": "Hello, wörld – 'it's' \"quoted\"",
        "words": "  one two\tthree\n four ",
        "emoji": "a🙂b👩‍👩‍👧é",
        "numbers": [3, 1, 2],
        "mixed": ["b", "A", "c", "B"],
        "floats": [0.5, 1.5e-7, 123456.789, -2.5],
        "nested": {"a": {"b": [1, {"c": "d"}]}, "empty": {}, "none": None, "yes": True, "items": "shadowed", "é": "ü\u2028\x7f\x01"},
        "people": [{"name": "Zoë", "age": 3, "tags": ["x"]}, {"name": "adam", "age": 30}, {"name": "Bob", "age": 3, "tags": []}],
        "empty_list": [],
        "zero": 0,
    }
    constructs = [{"template": template, "output": render(template, "turns", variables)} for template in CONSTRUCTS]
    golden = {
        "tokens": TOKENS,
        "tools": [WEATHER, ADD],
        "documents": DOCUMENTS,
        "conversations": CONVERSATIONS,
        "variables": variables,
        "families": families,
        "constructs": constructs,
    }
    with open(os.path.join(HERE, "templates.json"), "w") as file:
        json.dump(golden, file, ensure_ascii=True, indent=0, separators=(",", ":"))
        file.write("\n")
    outputs = [run["output"] for family in families for run in family["runs"]] + [one["output"] for one in constructs]
    print(f"{len(families)} families, {len(constructs)} constructs, {len(outputs)} texts, {outputs.count(None)} of them errors")


if __name__ == "__main__":
    main()
