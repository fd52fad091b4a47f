"""Where fuzzing begins: one of everything that is parsed, sound and not quite."""

EVENT = (
    b'{"timestamp":"2026-11-21T12:00:00.123456Z","milestone_id":"demo","session_id":"no-session"'
    b',"event_type":"state_saved","data":{"revision":1,"base":1,"sha256":"00","text":"{}"},"pid":1,"user":"u"'
    b',"agent_id":"system","event_id":"event-1","revision":1,"sequence_number":1,"checksum":"' + b"0" * 64 + b'"}\n'
)
CARRIED = (
    b'{"event_id":"event-1","event_type":"state_saved","session_id":"s","agent_id":"a","key":"k"'
    b',"request":"0123456789abcdef","data":{"state_file":"x","revision":1,"base":1,"sha256":""}}'
)
INTENT = (
    b'{"transaction":{"id":"txn-0123456789abcdef","operation":"x","status":"pending"},"locks":["demo"],"once":null'
    b',"puts":[["checkpoint","../demo/x","e30="]],"events":[{"stream":"demo","event_type":"x","data":"{}"'
    b',"session_id":"s","agent_id":"a","event_id":"e"}]}'
)
HEAD = (
    b'{"sequence":1,"checksum":"","end":0,"inode":0,"time":0,"revision":0,"state":"","base":0,"spliced":0'
    b',"base_sequence":0,"keys":0'
)
LOCK = (
    b"7 0123456789abcdef0123 vm 00000000-0000-4000-8000-000000000000 1 100 50 pid:[1]\x001\x002026-11-21T12:00:00Z\x00"
)
SEEDS = [
    b'{"a": [1, 2.50, "\\u00e9", null, true], "b": {"c": {}}}',
    b'"\\ud83d\\ude00 \\ud800"',
    b"[[[[]]]]",
    b"1e999",
    b"NaN",
    b'{"a":1,"a":2}',
    b'{"n": 1}\0a.b.0\0[1, 2]',
    b'{"a": [1]}\0/a/-\0"x"',
    b'{"a":1}\0{"a":null,"b":{"c":null}}',
    b'{"a":1}\0[{"op":"add","path":"/b","value":1},{"op":"move","from":"/a","path":"/c"}]',
    b'{"n": 1}\0[[1, 2, "x"], [5, 0, "\xc3\xa9"]]',
    EVENT,
    EVENT.replace(b'"checksum":"0', b'"checksum":"\\ud83d'),
    EVENT.replace(b'"sha256":"00"', b'"sha256":"\\ud83d"'),
    EVENT.replace(b'"base":1,', b'"splice":[],'),
    EVENT.replace(b'"base":1,', b'"splice":[["\\ud83d"]],"base":[],'),
    EVENT.replace(b'"revision":1', b'"revision":' + b"9" * 40),
    EVENT.replace(b'"sequence_number":1', b'"sequence_number":' + b"9" * 40),
    EVENT.replace(b'"sequence_number":1', b'"key":"k","request":"q","sequence_number":1'),
    EVENT.replace(b'"sequence_number":1', b'"key":"\\ud83d","request":"0123456789abcdef","sequence_number":1'),
    EVENT + b'{"timestamp":"2026',
    b'{"timestamp":"","milestone_id":"demo","version":"1.0","revision":1,"sha256":"","event":{},"state":{"n": 1}}\n',
    HEAD,
    CARRIED,
    EVENT + EVENT + b"\0sha256=00\0state\0state_*",
    b"c1,demo:12:0123456789abcdef:3400",
    (
        b'{"sequence":2,"checksum":"00","end":9,"time":1,"revision":1,"state":"","base":1,"base_sequence":1,"spliced":0'
        b',"start":0,"first":1,"before":"00","since":0,"log":1,"next":2,"told":9,"sealed":3,"sha256":"","blocks":[[9,5]]'
    ),
    b"context: {a: [1, 1.50], b: yes}  # mine\nconfiguration:\n  checkpoint_interval: 300\n  auto_checkpoint: no\n",
    b"context: &a [*a, !!python/object:os.system x]\n",
    INTENT,
    LOCK,
    b"2026-11-21T12:00:00.5+02:00",
    b"2h ago",
    b"yesterday",
    b"10d",
    b"lock_timeout: 30\nkeep_last: 5\n",
    b"state\0save\0demo\0{}\0--format=json\0--if-revision\x003",
    b"Demo-1.x_y",
]
