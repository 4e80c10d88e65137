/** A line on stderr about long work: rewritten in place on a terminal, now and then elsewhere. */
const TERMINAL_MS = 500;
const ELSEWHERE_MS = 10_000;

export class Progress {
  private readonly timer: NodeJS.Timeout | undefined;
  private isOpen = false;

  /** `line` is asked whenever a line is due. */
  constructor(isQuiet: boolean, line: () => string) {
    if (isQuiet) return;
    const isTerminal = process.stderr.isTTY === true;
    const show = (): void => {
      this.isOpen = isTerminal;
      process.stderr.write(isTerminal ? `\r\x1b[K${line()}` : `${line()}\n`);
    };
    this.timer = setInterval(show, isTerminal ? TERMINAL_MS : ELSEWHERE_MS);
  }

  end(): void {
    clearInterval(this.timer);
    if (this.isOpen) process.stderr.write('\r\x1b[K');
  }
}

const UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

export function sizeText(bytes: number): string {
  let unit = 0;
  let value = bytes;
  while (value >= 1024 && unit < UNITS.length - 1) {
    value /= 1024;
    unit++;
  }
  return `${unit === 0 ? value : value.toFixed(1)} ${UNITS[unit]}`;
}
