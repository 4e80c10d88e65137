/** How a command gets into a network namespace. */

/** One without a name is entered by a process that is in it when the command runs; `init`: no words. */
export function throughNetns(netns: number, name: string | undefined): string[] {
  if (name !== undefined) return name === 'init' ? [] : ['ip', 'netns', 'exec', name];
  const pid = `$(lsns -n -t net -o NS,PID | awk '$1 == ${netns} { print $2 }')`;
  return ['nsenter', `--net=/proc/${pid}/ns/net`];
}
