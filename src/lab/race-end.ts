/**
 * One end of a race, run as a program of its own in its namespace: sends its
 * i-th packet at the instant when the other end sends its own, so that the
 * router sees both before it has confirmed either.
 * Arguments: own address, own first port, other address, other first port,
 * number of packets, ns between two of them. Says "ready", then reads the
 * monotonic time of the first one in ns.
 */
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { isIPv6 } from 'node:net';

const [own = '', ownPort, other = '', otherPort, count, step = '0'] = process.argv.slice(2);

async function openSocket(index: number): Promise<Socket> {
  const socket = createSocket(isIPv6(own) ? 'udp6' : 'udp4');
  socket.bind(Number(ownPort) + index, own);
  await once(socket, 'listening');
  socket.connect(Number(otherPort) + index, other);
  await once(socket, 'connect');
  socket.on('error', () => {}); // a refusal by the other end is part of the race
  return socket;
}

const sockets = await Promise.all(Array.from({ length: Number(count) }, (_, i) => openSocket(i)));
process.stdout.write('ready');
const [line] = (await once(process.stdin, 'data')) as [Buffer];
let due = BigInt(line.toString().trim());
for (const socket of sockets) {
  while (process.hrtime.bigint() < due); // no timer is exact enough
  socket.send('race');
  due += BigInt(step);
}
await new Promise((resolve) => setTimeout(resolve, 200));
process.exit(0);
