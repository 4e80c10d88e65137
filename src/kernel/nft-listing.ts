/** Texts of rules, and what the JSON does not tell, from `nft -s -a list ruleset`. */

export interface NftListing {
  /** Of a rule; undefined: it is not in the listing. */
  text(family: string, table: string, chain: string, handle: number): string | undefined;
  /** Tables by family and name whose chains are not asked: nft 1.0.6 garbles this flag in its JSON. */
  readonly dormant: ReadonlySet<string>;
}

/** Every line of a chain that ends in `# handle N`, by family, table, chain and handle. */
export function parseListing(listing: string): NftListing {
  const texts = new Map<string, string>();
  const dormant = new Set<string>();
  let table = '';
  let chain = '';
  for (const line of listing.split('\n')) {
    const [, text = '', handle] = /^\s*(.*?)\s*# handle (\d+)$/.exec(line) ?? [];
    const block = /^(\w+) (.+?) \{$/.exec(text);
    if (line.startsWith('table ')) table = text.slice('table '.length, -' {'.length);
    else if (block !== null) chain = block[1] === 'chain' ? block[2]! : '';
    else if (handle !== undefined && chain !== '') texts.set(`${table} ${chain} ${handle}`, text);
    else if (/^\tflags .*\bdormant\b/.test(line)) dormant.add(table);
  }
  const text = (family: string, name: string, own: string, number: number): string | undefined =>
    texts.get(`${family} ${name} ${own} ${number}`);
  return { text, dormant };
}
