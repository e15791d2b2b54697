import { Argument, Command, type Option } from 'commander';
import type { Context } from './screen/context.ts';

/** A verb with its subcommands and options. */
interface Verb {
  /** `corpus merge`. */
  readonly path: string;
  readonly description: string;
  readonly subs: readonly string[];
  readonly options: readonly Option[];
}

const SHELLS = ['bash', 'zsh', 'fish'] as const;

export function completionCommand({ terminal, stages }: Context): Command {
  return new Command('completion')
    .summary('print a completion script for a shell')
    .description('Prints a script that completes verbs, options, and the values of --kernel, --module and --mood.')
    .addArgument(new Argument('<shell>', 'shell that reads the script').choices(SHELLS))
    .addHelpText('after', '\nExample: source <(seamstress completion bash)')
    .action((shell: (typeof SHELLS)[number], _options: unknown, command: Command) => {
      const verbs = verbsOf(command.parent ?? command);
      const values = new Map([
        ['--kernel', stages.kernels],
        ['--module', stages.modules],
        ['--mood', stages.moods],
      ]);
      terminal.out(shell === 'fish' ? fish(verbs, values) : bash(verbs, values, shell === 'zsh'));
    });
}

function verbsOf(command: Command, path = ''): readonly Verb[] {
  const here: Verb = {
    path,
    description: command.summary() || command.description(),
    subs: command.commands.map((sub) => sub.name()),
    options: command.options,
  };
  return [here, ...command.commands.flatMap((sub) => verbsOf(sub, `${path} ${sub.name()}`.trim()))];
}

/** zsh runs bash's completion functions after `bashcompinit`. */
function bash(verbs: readonly Verb[], values: ReadonlyMap<string, readonly string[]>, zsh: boolean): string {
  const cases = verbs.map(({ path, subs, options }) => {
    const words = [...subs, ...options.flatMap(({ long }) => long ?? [])].join(' ');
    return `    "${path}") words="${words}" ;;`;
  });
  const valueCases = [...values].map(
    ([option, names]) => `    ${option}) COMPREPLY=($(compgen -W "${names.join(' ')}" -- "$word")); return ;;`,
  );
  const subs = verbs.map(({ path }) => `"${path}"`).join('|');
  return `${zsh ? 'autoload -U +X bashcompinit && bashcompinit\n' : ''}# seamstress completion; generated
_seamstress() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}" path="" words="" i
  case "$before" in
${valueCases.join('\n')}
  esac
  for ((i = 1; i < COMP_CWORD; i++)); do
    case "\${path:+$path }\${COMP_WORDS[i]}" in
      ${subs}) path="\${path:+$path }\${COMP_WORDS[i]}" ;;
    esac
  done
  case "$path" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$word"))
  [[ \${#COMPREPLY[@]} -eq 0 ]] && COMPREPLY=($(compgen -f -- "$word"))
}
complete -o filenames -F _seamstress seamstress
`;
}

function fish(verbs: readonly Verb[], values: ReadonlyMap<string, readonly string[]>): string {
  const quote = (text: string): string => `'${text.replaceAll("'", "\\'")}'`;
  const lines = verbs.flatMap(({ path, subs, options }) => {
    const [verb, sub] = path.split(' ');
    const seen = sub === undefined ? verb : sub;
    const when = path === '' ? '__fish_use_subcommand' : `__fish_seen_subcommand_from ${seen}`;
    const subLines = subs.map((name) => {
      const description = verbs.find((other) => other.path === `${path} ${name}`.trim())?.description ?? '';
      return `complete -c seamstress -n ${quote(when)} -a ${name} -d ${quote(description)}`;
    });
    const optionLines = options.flatMap(({ long, description }) => {
      if (!long) return [];
      const names = values.get(long);
      return `complete -c seamstress -n ${quote(when)} -l ${long.slice(2)} -d ${quote(description)}${names === undefined ? '' : ` -xa ${quote(names.join(' '))}`}`;
    });
    return [...subLines, ...optionLines];
  });
  return `# seamstress completion; generated\n${lines.join('\n')}\n`;
}
