/** Texts of rules from `nft -s -a list ruleset`. */

export type RuleTexts = (
  family: string,
  table: string,
  chain: string,
  handle: number,
) => string | undefined;

/** Every line of a chain that ends in `# handle N`, by family, table, chain and handle. */
export function parseListing(listing: string): RuleTexts {
  const texts = new Map<string, string>();
  let table = '';
  let chain = '';
  for (const line of listing.split('\n')) {
    const [, text = '', handle] = /^\s*(.*?)\s*# handle (\d+)$/.exec(line) ?? [];
    const block = /^(\w+) (.+?) \{$/.exec(text);
    if (line.startsWith('table ')) table = text.slice('table '.length, -' {'.length);
    else if (block !== null) chain = block[1] === 'chain' ? block[2]! : '';
    else if (handle !== undefined && chain !== '') texts.set(`${table} ${chain} ${handle}`, text);
  }
  return (family, name, own, handle) => texts.get(`${family} ${name} ${own} ${handle}`);
}
