import { describe, expect, it } from 'vitest';
import { flowCountsBetween } from '../../src/lab/flow-counts.ts';
import { parseListing, parseSave } from '../../src/lab/rule-list.ts';

describe('the listing of nft', () => {
  const listing = `table ip nat { # handle 3
	map ports { # handle 7
		type inet_service : ipv4_addr
		elements = { 80 : 10.0.0.1 }
	}

	chain prerouting { # handle 1
		type nat hook prerouting priority dstnat; policy accept;
		tcp dport 8080 counter packets 4 bytes 240 dnat to 203.0.113.2:80 comment "web" # handle 9
		udp dport 53 accept # handle 12
	}

	chain side { # handle 2
		counter packets 5 bytes 300 return # handle 13
	}
}
table inet lab_count { # handle 1
	chain c { # handle 1
		counter packets 6 bytes 1 # handle 2
	}
}
`;

  it('gives each rule its place, its handle and what it counted', () => {
    const rules = parseListing(listing).map(({ text: _, ...rest }) => rest);
    const common = { backend: 'nft', family: 'ip', table: 'nat' };
    const none = { packets: null, bytes: null };
    expect(rules).toEqual([
      {
        ...common,
        chain: 'prerouting',
        number: 1,
        handle: 9,
        comment: 'web',
        packets: 4,
        bytes: 240,
      },
      { ...common, chain: 'prerouting', number: 2, handle: 12, comment: null, ...none },
      { ...common, chain: 'side', number: 1, handle: 13, comment: null, packets: 5, bytes: 300 },
    ]);
  });
});

describe('what iptables-save -c writes', () => {
  it('numbers the rules of each chain of each table', () => {
    const text = `*mangle
:PREROUTING ACCEPT [3:180]
[1:60] -A PREROUTING -j MARK --set-xmark 0x1/0x1
COMMIT
*nat
:PREROUTING ACCEPT [7:420]
[2:120] -A PREROUTING -p tcp -m comment --comment "two words" -j SIDE
[3:190] -A PREROUTING -p udp -m comment --comment one -j DNAT --to-destination 10.0.0.1
COMMIT
`;
    const rules = parseSave(text, 'legacy', 'ip');
    expect(rules.map((rule) => [rule.table, rule.number, rule.comment, rule.packets])).toEqual([
      ['mangle', 1, null, 1],
      ['nat', 1, 'two words', 2],
      ['nat', 2, 'one', 3],
    ]);
    expect(rules[2]).toMatchObject({ family: 'ip', handle: null, bytes: 190 });
    expect(rules[2]?.text).toBe(
      '-p udp -m comment --comment one -j DNAT --to-destination 10.0.0.1',
    );
  });
});

it('counts of flows are those between two readings, without the flows that stood still', () => {
  const count = (packets: number) => ({ packets, bytes: packets * 60 });
  const before = [
    { id: 1, mark: 2, original: count(3), reply: count(4) },
    { id: 5, mark: 0, original: count(1), reply: count(0) },
  ];
  const after = [
    { id: 1, mark: 2, original: count(8), reply: count(6) },
    { id: 1, mark: 9, original: count(7), reply: count(0) },
    { id: 5, mark: 0, original: count(1), reply: count(0) },
  ];
  expect(flowCountsBetween(before, after)).toEqual([
    { id: 1, mark: 2, original: count(5), reply: count(2) },
    { id: 1, mark: 9, original: count(7), reply: count(0) },
  ]);
});
