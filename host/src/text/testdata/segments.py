"""Makes segments.jsonl: what two other implementations say of generated texts.

    pip install smsutil==1.1.3
    npm install split-sms@0.1.7
    python3 segments.py > segments.jsonl

First line: the packages, and the alphabet as smsutil has it (without the escape, which is no character).
Then one line for each text: [text, encoding, units, segments]. The packages must agree on all of them.
"""

import json
import random
import subprocess

import smsutil
from smsutil.codecs import GSM_BASIC_CHARSET, GSM_EXT_CHARSET

BASIC = GSM_BASIC_CHARSET.replace("\x1b", "")
OUTSIDE = "çćŵŷ‘’“”–—…\u00a0\u200bжЖяאبกक中文🔑👍🏽"
SPLIT = """
const { split } = require('split-sms');
const texts = JSON.parse(require('fs').readFileSync(0));
process.stdout.write(JSON.stringify(texts.map((text) => {
  const { characterSet, bytes, parts } = split(text);
  return characterSet === 'GSM' ? ['gsm', bytes, parts.length] : ['utf16', bytes / 2, parts.length];
})));
"""


# Weights of plain, extension and outside characters. Without the last a text is GSM.
MIXTURES = [(1, 0, 0), (9, 1, 0), (1, 1, 0), (0, 1, 0), (30, 1, 1), (3, 0, 1), (0, 0, 1)]


def text(rng):
    """A text of one mixture that ends within a few units of what one to four segments hold."""
    weights = rng.choice(MIXTURES)
    outside = weights[2] > 0
    single, joined = (70, 67) if outside else (160, 153)
    segments = rng.randint(1, 4)
    goal = (single if segments == 1 else segments * joined) + rng.randint(-3, 2)
    characters, units = [], 0
    while units < goal:
        alphabet = rng.choices([BASIC, GSM_EXT_CHARSET, OUTSIDE], weights)[0]
        character = rng.choice(alphabet)
        characters.append(character)
        units += 1 + (ord(character) > 0xFFFF if outside else character in GSM_EXT_CHARSET)
    return "".join(characters)


def smsutil_says(text):
    result = smsutil.split(text)
    if result.encoding == "gsm0338":
        return ["gsm", result.total_bytes, len(result.parts)]
    return ["utf16", result.total_bytes // 2, len(result.parts)]


def main():
    rng = random.Random(5)
    texts = [text(rng) for _ in range(500)]
    node = subprocess.run(["node", "-e", SPLIT], input=json.dumps(texts).encode(), stdout=subprocess.PIPE, check=True)
    split_sms_says = json.loads(node.stdout)
    header = {"packages": ["PyPI smsutil 1.1.3", "npm split-sms 0.1.7"], "basic": BASIC, "extension": GSM_EXT_CHARSET}
    print(json.dumps(header, ensure_ascii=False))
    for written, second in zip(texts, split_sms_says):
        first = smsutil_says(written)
        assert first == second, (written, first, second)
        print(json.dumps([written, *first], ensure_ascii=False))


main()
