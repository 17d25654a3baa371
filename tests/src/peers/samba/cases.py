#!/usr/bin/python3
"""Puts the cases of group-policy-cases.jsonl into a domain that runs: cases.py DIR FILE.

Case N is below OU=Case N: its containers, its group policy objects {33333333-0000-4000-8NNN-00000000000A} and on,
its groups, and its user case-N.
"""
import json, os, sys
sys.argv, arguments = [sys.argv[0], sys.argv[1], "0"], sys.argv[1:]
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from seed import APPLY, base, db, gpo, group, ldb, link, ou, sid, user

OPTIONS = {"": 0, "disabled": 1, "enforced": 2, "disabled enforced": 3}

def id_of(number, letter): return f"33333333-0000-4000-8{number:03}-00000000000{letter}"

def member_of(name, member):
    m = ldb.Message(); m.dn = ldb.Dn(db, name)
    m["m"] = ldb.MessageElement([member], ldb.FLAG_MOD_ADD, "member"); db.modify(m)

def put(number, case):
    top = ou(f"OU=Case {number},{base}")
    made = {"": top}
    def container(path):
        if path not in made:
            container(path.partition(",")[2])
            made[path] = ou(f"{path},{top}")
        return made[path]
    groups = {}
    def group_of(name):
        if name == "Domain Users": return f"CN=Domain Users,CN=Users,{base}"
        if name not in groups: groups[name] = group(f"case-{number}-{name}")
        return groups[name]
    ada = user("Ada", container(case["user"]), f"case-{number}", mobile="+447700900123")
    for chain in case.get("groups", []):
        member = ada
        for name in chain.split("<"):
            member_of(group_of(name), member)
            member = group_of(name)
    for letter, has in case["gpos"].items():
        if has.get("gone"): continue
        rights = lambda who: f"(A;CI;RPLCLORC;;;{who})(OA;CI;CR;{APPLY};;{who})"
        dacl = "".join(f"(OD;CI;CR;{APPLY};;{sid(group_of(name))})" for name in has.get("deny", []))
        dacl += "".join(rights(sid(group_of(name))) for name in has.get("allow", []))
        if has.get("hidden"): dacl += rights(sid(group_of("Hidden")))
        else: dacl += "(A;CI;RPLCLORC;;;AU)" if has.get("allow") else rights("AU")
        more = {"gPCWQLFilter": "[example.org;{22222222-0000-4000-8000-000000000001};0]"} if has.get("wmi") else {}
        gpo(id_of(number, letter), f"Case {number} {letter}", dacl, has.get("flags", 0), **more)
    for path in set(case["links"]) | set(case.get("block", [])):
        written = [one.partition(" ") for one in case["links"].get(path, [])]
        links = [(f"CN={{{id_of(number, letter)}}},CN=Policies,CN=System,{base}", OPTIONS[options]) for letter, _, options in written]
        # The attribute has the strongest last; a blank is what consoles leave where there is none.
        link(container(path), *reversed(links), options=1 if path in case.get("block", []) else None, raw=None if links else " ")
    for name, value in case.get("account", {}).items():
        m = ldb.Message(); m.dn = ldb.Dn(db, ada)
        m["a"] = ldb.MessageElement(value, ldb.FLAG_MOD_REPLACE, name)
        # As the system itself writes them.
        db.modify(m, ["local_oid:1.3.6.1.4.1.7165.4.3.12:0"])

db.transaction_start()
for number, line in enumerate(open(arguments[1])): put(number, json.loads(line))
db.transaction_commit()
