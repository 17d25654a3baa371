"""Writes mobiles.tsv: random valid mobile numbers of every region, in international form.

    /tmp/venv/bin/pip install phonenumbers==9.0.43
    /tmp/venv/bin/python mobiles.py > mobiles.tsv

A region without mobile numbers of its own gives landlines. Same version, same output.
"""

import random
import sys

import phonenumbers
from phonenumbers import PhoneNumberFormat, PhoneNumberType

VERSION = "9.0.43"
EACH = 4
KINDS = (PhoneNumberType.MOBILE, PhoneNumberType.FIXED_LINE_OR_MOBILE, PhoneNumberType.FIXED_LINE)


def mobiles(region, chance):
    """Up to EACH numbers of the region that share the first digits of its example."""
    examples = (phonenumbers.example_number_for_type(region, kind) for kind in KINDS)
    example = next(example for example in examples if example)
    kinds = {phonenumbers.number_type(example), *KINDS[:2]}
    significant = phonenumbers.national_significant_number(example)
    found = {}
    for _ in range(2000):
        kept = chance.randrange(min(4, len(significant)))
        digits = significant[:kept] + "".join(chance.choice("0123456789") for _ in significant[kept:])
        e164 = f"+{example.country_code}{digits}"
        try:
            number = phonenumbers.parse(e164)
        except phonenumbers.NumberParseException:
            continue
        if (phonenumbers.is_valid_number(number)
                and phonenumbers.region_code_for_number(number) == region
                and phonenumbers.number_type(number) in kinds
                and phonenumbers.national_significant_number(number) == digits):
            found[e164] = True
        if len(found) == EACH:
            break
    return found or [phonenumbers.format_number(example, PhoneNumberFormat.E164)]


def main():
    if phonenumbers.__version__ != VERSION:
        sys.exit(f"this is phonenumbers {phonenumbers.__version__}; install {VERSION}, or change VERSION")
    chance = random.Random(20)
    print(f"# Made by mobiles.py from phonenumbers {VERSION}: region, number.")
    for region in sorted(phonenumbers.SUPPORTED_REGIONS):
        for e164 in mobiles(region, chance):
            print(region, e164, sep="\t")


main()
