/** From a kernel's Debian packages to what QEMU boots: vmlinux, modules image, first root. */
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { TraceError } from '../model/error.ts';
import { encodeCpio, file, folder, program } from './cpio.ts';
import { needTool, runTool, type ToolOptions } from './tool.ts';

/** Hardware the guest does not have. */
const LEFT_OUT = [
  '*/share/doc',
  '*/kernel/sound',
  ...['gpu', 'media', 'infiniband', 'iio', 'usb', 'scsi', 'hwmon', 'input', 'ata', 'mfd', 'i2c'],
  ...['staging', 'bluetooth', 'net/ethernet', 'net/wireless', 'net/usb'],
].map((name) => (name.startsWith('*') ? name : `*/kernel/drivers/${name}`));

/** What mounting the guest's root may need; a flavour may lack some or have them built in. */
const BOOT_MODULES = [
  'virtio_pci',
  'virtio_console',
  'virtio_rng',
  'virtio_blk',
  'overlay',
  'erofs',
  'virtiofs',
  '9pnet_virtio',
  '9p',
];

const DECOMPRESSORS: Readonly<Record<string, readonly string[]>> = {
  fd377a58: ['xz', '-dc', '--single-stream'],
  '28b52ffd': ['zstd', '-dcq'],
  '02214c18': ['lz4', '-dc'],
};

/**
 * The compressed kernel inside a bzImage, found by the fields of its header
 * (Linux boot protocol: setup_sects, payload_offset, payload_length). The last
 * four bytes are the size, which the build appends.
 */
export function bzImagePayload(image: Buffer): Buffer {
  const start = (image.readUInt8(0x1f1) + 1) * 512 + image.readUInt32LE(0x248);
  return image.subarray(start, start + image.readUInt32LE(0x24c) - 4);
}

/**
 * The guest spends no time on decompressing when it boots an uncompressed
 * kernel. Writes `vmlinux`; where the compression is not known, vmlinuz as it
 * is, which QEMU boots as well.
 */
async function writeVmlinux(vmlinuz: string, target: string, run: ToolOptions): Promise<void> {
  const payload = bzImagePayload(await readFile(vmlinuz));
  const magic = payload.subarray(0, 4).toString('hex');
  if (magic.startsWith('1f8b08')) return writeFile(target, gunzipSync(payload));
  const tool = DECOMPRESSORS[magic];
  if (!tool) return rename(vmlinuz, target);
  const packed = `${target}.packed`;
  await writeFile(packed, payload);
  const script = 'from=$1 to=$2; shift 2; exec "$@" < "$from" > "$to"';
  await needTool(['sh', '-c', script, 'sh', packed, target, ...tool], run);
  await rm(packed);
}

async function findFile(tree: string, name: RegExp): Promise<string> {
  const entries = await readdir(tree, { recursive: true, withFileTypes: true });
  const found = entries.find((entry) => entry.isFile() && name.test(entry.name));
  if (found) return join(found.parentPath, found.name);
  throw new TraceError('corrupt', `no file ${name.source} in the kernel's packages`);
}

/** The file names of a module and all it needs, in the order of loading. */
async function moduleFiles(tree: string, release: string, name: string): Promise<string[]> {
  const argv = ['modprobe', '-d', tree, '-S', release, '--show-depends', name];
  const { stdout } = await runTool(argv);
  const lines = stdout.split('\n').filter((line) => line.startsWith('insmod '));
  return lines.map((line) => line.slice('insmod '.length).trim());
}

async function writeFirstRoot(tree: string, release: string, target: string): Promise<void> {
  const order: string[] = [];
  const entries = ['bin', 'modules', 'lab', 'lower', 'upper', 'root', 'proc', 'sys', 'dev'];
  const paths = new Set<string>();
  for (const name of BOOT_MODULES) {
    for (const path of await moduleFiles(tree, release, name)) {
      order.push(`${name} ${basename(path)}`);
      paths.add(path);
    }
  }
  const where = (await needTool(['sh', '-c', 'command -v busybox || echo busybox'])).trim();
  const busybox = await readFile(where).catch(() => undefined);
  if (!busybox) {
    throw new TraceError('missing', 'busybox is not installed, the guest starts with it', {
      hint: 'apt-get install busybox-static',
    });
  }
  const modules = [...paths].map(async (path) =>
    file(`modules/${basename(path)}`, await readFile(path)),
  );
  await writeFile(
    target,
    encodeCpio([
      ...entries.map(folder),
      program('bin/busybox', busybox),
      file('modules/order', `${order.join('\n')}\n`),
      ...(await Promise.all(modules)),
    ]),
  );
}

async function unpackModules(tree: string, release: string, run: ToolOptions): Promise<void> {
  const find = 'find "$0" -name "*.ko.xz" -print0 | xargs -0 -r -n64 -P2 xz -d';
  await needTool(['sh', '-c', find, tree], run);
  await needTool(
    ['sh', '-c', find.replaceAll('xz', 'zst').replace('zst -d', 'zstd -dq --rm'), tree],
    run,
  );
  const config = await findFile(tree, /^config(-.*)?$/);
  await rename(config, join(tree, 'lib/modules', release, 'config'));
  await needTool(['depmod', '-b', tree, release], run);
}

/** Unpacks into `target`, which gets vmlinux, modules.erofs and initrd.cpio. Returns the release. */
export async function unpackKernel(
  debs: readonly string[],
  target: string,
  run: ToolOptions,
): Promise<string> {
  const tree = join(target, 'tree');
  await mkdir(tree, { recursive: true });
  const excludes = LEFT_OUT.map((pattern) => `--exclude=${pattern}`);
  const script = 'dpkg-deb --fsys-tarfile "$0" | tar -x -C "$@"';
  for (const deb of debs) await needTool(['sh', '-c', script, deb, tree, ...excludes], run);
  const usr = join(tree, 'usr/lib/modules');
  await mkdir(join(tree, 'lib'), { recursive: true });
  await rename(usr, join(tree, 'lib/modules')).catch(() => {}); // older kernels have it there
  const release = (await readdir(join(tree, 'lib/modules')))[0] ?? '';
  await writeVmlinux(await findFile(tree, /^vmlinuz/), join(target, 'vmlinux'), run);
  await unpackModules(tree, release, run);
  await writeFirstRoot(tree, release, join(target, 'initrd.cpio'));
  const image = [join(target, 'modules.erofs'), join(tree, 'lib/modules', release)];
  await needTool(['mkfs.erofs', '-x-1', '-T0', ...image], run);
  await rm(tree, { recursive: true });
  return release;
}
