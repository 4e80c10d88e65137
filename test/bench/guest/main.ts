import { fileURLToPath } from 'node:url';
import { measure } from './guests.ts';
import { PARTS, SUBJECTS } from './subjects.ts';

const tools = fileURLToPath(new URL('../../../../guest', import.meta.url));
const args = process.argv.slice(2);
const option = (name: string) => args[args.indexOf(`--${name}`) + 1];
const only = (args.includes('--only') ? option('only')! : '').split(',').filter(Boolean);
const kernel = args.includes('--kernel') ? option('kernel')! : '6.1';
const packets = args.includes('--packets') ? Number(option('packets')) : 100_000;
const flows = args.includes('--flows') ? Number(option('flows')) : 20_000;
const all = [...SUBJECTS, ...PARTS];
for (const name of only) {
  const subject = all.find((one) => one.name === name);
  if (!subject) throw new Error(`no ${name}`);
  const found = await measure(
    kernel,
    {
      subject,
      tools,
      packets: { one: packets, flows },
      warmUp: { one: 20_000, flows: flows ? 5000 : 0 },
    },
    undefined,
  );
  console.log(JSON.stringify({ ...found, subject: name }));
}
