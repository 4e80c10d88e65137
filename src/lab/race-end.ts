/**
 * One end of a race, run as a program of its own in its namespace: sends its
 * i-th packet at the instant when the other end sends its own, so that the
 * router sees both before it has confirmed either.
 * Arguments: own address, own first port, other address, other first port,
 * number of packets, monotonic start in ns, ns between two packets.
 */
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

const [own = '', ownPort, other = '', otherPort, count, start, step] = process.argv.slice(2);
const startNs = BigInt(start ?? 0);
const stepNs = BigInt(step ?? 0);

async function openSocket(index: number) {
  const socket = createSocket(isIPv6(own) ? 'udp6' : 'udp4');
  socket.bind(Number(ownPort) + index, own);
  await once(socket, 'listening');
  socket.connect(Number(otherPort) + index, other);
  await once(socket, 'connect');
  socket.on('error', () => {}); // a refusal by the other end is part of the race
  return socket;
}

const sockets = await Promise.all(Array.from({ length: Number(count) }, (_, i) => openSocket(i)));
if (process.hrtime.bigint() > startNs) process.exit(3);
for (const [index, socket] of sockets.entries()) {
  const due = startNs + BigInt(index) * stepNs;
  while (process.hrtime.bigint() < due); // no timer is exact enough
  socket.send('race');
}
await new Promise((resolve) => setTimeout(resolve, 200));
process.exit(0);
