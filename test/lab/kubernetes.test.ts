import { expect, it } from 'vitest';
import { kubernetesIptables, kubernetesNft, kubernetesServices } from '../../src/lab/kubernetes.ts';

const services = kubernetesServices(3, 2);

it('has a service per number, the last one with a single endpoint', () => {
  expect(services.map(({ address, endpoints }) => [address, endpoints.length])).toEqual([
    ['10.96.0.1', 2],
    ['10.96.0.2', 2],
    ['10.96.0.3', 1],
  ]);
  expect(services[1]?.endpoints[0]?.address).toBe('10.200.2.1');
  expect(services.map(({ nodePort }) => nodePort)).toEqual([30_080, undefined, undefined]);
});

it('leads from KUBE-SERVICES over each service to each endpoint, by equal chances', () => {
  const text = kubernetesIptables(services);
  const { id, endpoints } = services[1]!;
  const [first, second] = endpoints.map((end) => `KUBE-SEP-${end.id}`);
  expect(text).toContain(`--dport 80 -j KUBE-SVC-${id}\n`);
  expect(text).toMatch(
    new RegExp(`-A KUBE-SVC-${id} .* --mode random --probability 0.5000000000 -j ${first}\n`),
  );
  expect(text).toMatch(new RegExp(`-A KUBE-SVC-${id} .*:8080" -j ${second}\n`));
  expect(text).toMatch(
    new RegExp(`-A ${second} -p tcp .* -j DNAT --to-destination 10.200.2.2:8080\n`),
  );
  const declared = [...text.matchAll(/^:(\S+)/gm)].map(([, name]) => name);
  const jumped = [...text.matchAll(/-j (KUBE-\S+)/g)].map(([, name]) => name);
  expect(jumped.filter((name) => !declared.includes(name))).toEqual([]);
});

it('writes the same for nft, with verdict maps and numgen', () => {
  const text = kubernetesNft(services);
  expect(text).toContain('10.96.0.2 . tcp . 80 : goto service-');
  expect(text).toContain('tcp . 30080 : goto external-');
  expect(text.match(/numgen random mod 2 vmap/g)).toHaveLength(2);
  expect(text.match(/numgen random mod 1 vmap/g)).toHaveLength(1);
  const declared = [...text.matchAll(/^ {2}chain (\S+) \{/gm)].map(([, name]) => name);
  const reached = [...text.matchAll(/(?:jump|goto) ([^\s,]+)/g)].map(([, name]) => name);
  expect(reached.filter((name) => !declared.includes(name))).toEqual([]);
});
