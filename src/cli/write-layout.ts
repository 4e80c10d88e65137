// For developers: `make layout` writes src/wire/layout.ts from the BTF of build/layout.bpf.o.
import { writeFileSync } from 'node:fs';
import { readBtf } from '../kernel/read-btf.ts';
import { wireLayoutText } from '../kernel/wire-layout.ts';

const [from = 'build/layout.bpf.o', to = 'src/wire/layout.ts'] = process.argv.slice(2);
writeFileSync(to, wireLayoutText(readBtf(from)));
