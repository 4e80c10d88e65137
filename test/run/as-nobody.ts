/** A command as nobody, who may read everything: the project may lie where only root can look. */
export const AS_NOBODY: readonly string[] = [
  'setpriv',
  '--reuid=65534',
  '--regid=65534',
  '--clear-groups',
  '--inh-caps=-all,+dac_read_search',
  '--ambient-caps=-all,+dac_read_search',
];
