/**
 * Rules as kube-proxy writes them, in its iptables and its nftables mode: many
 * services, each balanced at random over its endpoints. The addresses follow
 * from the numbers: service 3 is 10.96.0.3:80, its second endpoint
 * 10.200.3.2:8080. The first service has node port 30080 as well, the last one
 * a single endpoint, as a service that calls itself needs it here.
 */
import { createHash } from 'node:crypto';

export interface Endpoint {
  readonly address: string;
  readonly id: string;
}

export interface Service {
  readonly name: string;
  readonly address: string;
  readonly id: string;
  readonly nodePort: number | undefined;
  readonly endpoints: readonly Endpoint[];
}

const PORT = 80;
const ENDPOINT_PORT = 8080;
const NODE_PORT = 30_080;
/** The client and the endpoints; what comes from elsewhere is masqueraded. */
const CLUSTER = '10.0.0.0/8';

const hash = (text: string, length: number) =>
  createHash('sha256').update(text).digest('hex').toUpperCase().slice(0, length);

export function kubernetesServices(services: number, endpoints: number): Service[] {
  return Array.from({ length: services }, (_, index) => {
    const [number, name] = [index + 1, `default/svc-${index + 1}`];
    const length = number === services ? 1 : endpoints;
    return {
      name,
      address: `10.96.0.${number}`,
      id: hash(name, 16),
      nodePort: number === 1 ? NODE_PORT : undefined,
      endpoints: Array.from({ length }, (__, place) => {
        const address = `10.200.${number}.${place + 1}`;
        return { address, id: hash(`${name} ${address}`, 16) };
      }),
    };
  });
}

const comment = (text: string) => `-m comment --comment "${text}"`;

function iptablesService({ name, address, id, nodePort, endpoints }: Service): string[] {
  const [chain, seps] = [`KUBE-SVC-${id}`, endpoints.map((end) => `KUBE-SEP-${end.id}`)];
  const clusterIp = `-d ${address}/32 -p tcp ${comment(`${name} cluster IP`)} -m tcp --dport ${PORT}`;
  const external = comment(`masquerade traffic for ${name} external destinations`);
  const node = [
    `-A KUBE-NODEPORTS -p tcp ${comment(name)} -m tcp --dport ${nodePort} -j KUBE-EXT-${id}`,
    `-A KUBE-EXT-${id} ${external} -j KUBE-MARK-MASQ`,
    `-A KUBE-EXT-${id} -j ${chain}`,
  ];
  return [
    `-A KUBE-SERVICES ${clusterIp} -j ${chain}`,
    ...(nodePort === undefined ? [] : node),
    `-A ${chain} ! -s ${CLUSTER} ${clusterIp} -j KUBE-MARK-MASQ`,
    ...seps.map((sep, index) => {
      const rest = endpoints.length - index;
      const chance = `-m statistic --mode random --probability ${(1 / rest).toFixed(10)}`;
      const target = comment(`${name} -> ${endpoints[index]?.address}:${ENDPOINT_PORT}`);
      return `-A ${chain} ${target} ${rest > 1 ? `${chance} ` : ''}-j ${sep}`;
    }),
    ...endpoints.flatMap((end, index) => [
      `-A ${seps[index]} -s ${end.address}/32 ${comment(name)} -j KUBE-MARK-MASQ`,
      `-A ${seps[index]} -p tcp ${comment(name)} -m tcp -j DNAT --to-destination ${end.address}:${ENDPOINT_PORT}`,
    ]),
  ];
}

/** For iptables-restore. */
export function kubernetesIptables(services: readonly Service[]): string {
  const chains = services.flatMap(({ id, nodePort, endpoints }) => [
    `KUBE-SVC-${id}`,
    ...(nodePort === undefined ? [] : [`KUBE-EXT-${id}`]),
    ...endpoints.map((end) => `KUBE-SEP-${end.id}`),
  ]);
  const own = ['SERVICES', 'NODEPORTS', 'POSTROUTING', 'MARK-MASQ'].map((name) => `KUBE-${name}`);
  const portals = comment('kubernetes service portals');
  const snat = comment('kubernetes service traffic requiring SNAT');
  const last = comment(
    'kubernetes service nodeports; NOTE: this must be the last rule in this chain',
  );
  return `${[
    '*nat',
    ...['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'].map((name) => `:${name} ACCEPT [0:0]`),
    ...[...own, ...chains].map((name) => `:${name} - [0:0]`),
    `-A PREROUTING ${portals} -j KUBE-SERVICES`,
    `-A OUTPUT ${portals} -j KUBE-SERVICES`,
    `-A POSTROUTING ${comment('kubernetes postrouting rules')} -j KUBE-POSTROUTING`,
    '-A KUBE-MARK-MASQ -j MARK --or-mark 0x4000',
    '-A KUBE-POSTROUTING -m mark ! --mark 0x4000/0x4000 -j RETURN',
    '-A KUBE-POSTROUTING -j MARK --xor-mark 0x4000',
    `-A KUBE-POSTROUTING ${snat} -j MASQUERADE --random-fully`,
    ...services.flatMap(iptablesService),
    `-A KUBE-SERVICES ${last} -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS`,
    'COMMIT',
  ].join('\n')}\n`;
}

const chainOf = (service: Service) => `service-${service.id.slice(0, 8)}-${service.name}/tcp/http`;
const externalOf = (service: Service) => chainOf(service).replace('service-', 'external-');

const nftChain = (name: string, lines: readonly string[]) =>
  `  chain ${name} {\n${lines.map((line) => `    ${line}\n`).join('')}  }`;

function nftService(service: Service): string[] {
  const { name, address, endpoints, nodePort } = service;
  const target = ({ id, address: to }: Endpoint) =>
    `endpoint-${id.slice(0, 8)}-${name}/tcp/http__${to}/${ENDPOINT_PORT}`;
  const ways = endpoints.map((end, index) => `${index} : goto ${target(end)}`).join(', ');
  return [
    nftChain(chainOf(service), [
      `ip daddr ${address} tcp dport ${PORT} ip saddr != ${CLUSTER} jump mark-for-masquerade`,
      `numgen random mod ${endpoints.length} vmap { ${ways} }`,
    ]),
    ...(nodePort === undefined
      ? []
      : [nftChain(externalOf(service), ['jump mark-for-masquerade', `goto ${chainOf(service)}`])]),
    ...endpoints.map((end) =>
      nftChain(target(end), [
        `ip saddr ${end.address} jump mark-for-masquerade`,
        `meta l4proto tcp dnat to ${end.address}:${ENDPOINT_PORT}`,
      ]),
    ),
  ];
}

const nftMap = (name: string, type: string, elements: readonly string[]) =>
  `  map ${name} {\n    type ${type} : verdict\n    elements = { ${elements.join(',\n      ')} }\n  }`;

/** For `nft -f`. */
export function kubernetesNft(services: readonly Service[]): string {
  const byAddress = services.map(
    (service) => `${service.address} . tcp . ${PORT} : goto ${chainOf(service)}`,
  );
  const byPort = services.flatMap((service) =>
    service.nodePort === undefined
      ? []
      : [`tcp . ${service.nodePort} : goto ${externalOf(service)}`],
  );
  return `${[
    'table ip kube-proxy {',
    nftMap('service-ips', 'ipv4_addr . inet_proto . inet_service', byAddress),
    nftMap('service-nodeports', 'inet_proto . inet_service', byPort),
    nftChain('nat-prerouting', ['type nat hook prerouting priority dstnat', 'jump services']),
    nftChain('nat-output', ['type nat hook output priority -100', 'jump services']),
    nftChain('nat-postrouting', ['type nat hook postrouting priority srcnat', 'jump masquerading']),
    nftChain('services', [
      'ip daddr . meta l4proto . th dport vmap @service-ips',
      'ip daddr != 127.0.0.0/8 fib daddr type local meta l4proto . th dport vmap @service-nodeports',
    ]),
    nftChain('mark-for-masquerade', ['mark set mark or 0x4000']),
    nftChain('masquerading', [
      'mark and 0x4000 == 0 return',
      'mark set mark xor 0x4000',
      'masquerade fully-random',
    ]),
    ...services.flatMap(nftService),
    '}',
  ].join('\n')}\n`;
}
