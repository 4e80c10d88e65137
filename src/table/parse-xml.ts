/** The few things of XML that `conntrack -o xml` writes: tags, attributes, texts. */
import { TraceError } from '../model/error.ts';
import { shown } from './parse-tokens.ts';

export interface XmlFlow {
  /** By path and name: `flow@type`, `flow/meta.original/layer4@protonum`. */
  readonly attributes: ReadonlyMap<string, string>;
  /** By path: `flow/meta.original/layer3/src`; empty for an empty tag, joined by commas where repeated. */
  readonly texts: ReadonlyMap<string, string>;
}

const MOST_DEEP = 8;
const MOST_TAGS = 400;

/** A tag's path has the direction of a `<meta>`, which is there twice. Throws a `corrupt` TraceError. */
export function readXml(text: string): XmlFlow {
  const reader = new XmlReader();
  for (let at = text.indexOf('<'), tags = 0; at >= 0; tags++) {
    const end = text.indexOf('>', at);
    if (end < 0 || tags === MOST_TAGS) throw wrong(shown(text.slice(at)));
    const next = text.indexOf('<', end);
    reader.take(text.slice(at + 1, end), text.slice(end + 1, next < 0 ? undefined : next).trim());
    at = next;
  }
  return reader.end();
}

class XmlReader {
  private readonly attributes = new Map<string, string>();
  private readonly texts = new Map<string, string>();
  private readonly open: { readonly name: string; readonly path: string }[] = [];

  /** `inner`: the text up to the next tag. */
  take(tag: string, inner: string): void {
    if (tag.startsWith('?') || tag.startsWith('!')) return;
    if (tag.startsWith('/')) this.close(tag.slice(1).trim());
    else this.begin(tag, inner);
  }

  end(): XmlFlow {
    const [left] = this.open;
    if (left !== undefined) throw wrong(`<${shown(left.name)}> without its end`);
    return { attributes: this.attributes, texts: this.texts };
  }

  private close(name: string): void {
    if (this.open.pop()?.name !== name) throw wrong(`</${shown(name)}> without its beginning`);
  }

  private begin(tag: string, inner: string): void {
    const isEmpty = tag.endsWith('/');
    const [name = ''] = tag.replace(/\/$/, '').split(/\s/, 1);
    const given = [...tag.matchAll(/([\w-]+)="([^"]*)"/g)];
    const direction = given.find(([, key]) => key === 'direction')?.[2];
    const parent = this.open.at(-1)?.path;
    const own = direction === undefined ? name : `${name}.${direction}`;
    const path = parent === undefined ? own : `${parent}/${own}`;
    for (const [, key, value] of given) this.attributes.set(`${path}@${key}`, decoded(value!));
    if (isEmpty || inner !== '') this.addText(path, decoded(inner), isEmpty);
    if (isEmpty) return;
    if (this.open.length === MOST_DEEP) throw wrong(`more than ${MOST_DEEP} tags in each other`);
    this.open.push({ name, path });
  }

  private addText(path: string, text: string, isEmpty: boolean): void {
    const before = this.texts.get(path);
    const own = isEmpty ? '' : text;
    this.texts.set(path, before === undefined ? own : `${before},${own}`);
  }
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  amp: '&',
};

/** conntrack writes names as they are; other writers of XML do not. */
function decoded(text: string): string {
  return text.replace(/&(lt|gt|quot|apos|amp);/g, (_, name: string) => ENTITIES[name]!);
}

function wrong(found: string): TraceError {
  return new TraceError('corrupt', `found ${found} in XML, needed a <flow> of conntrack -o xml`);
}
