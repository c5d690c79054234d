import type { Command } from 'commander';
import type { InstallationSummary } from '../admin-types.js';
import { fields } from '../print.js';
import type { WithTools } from '../tools.js';

/** The stored data of an installation. */
export function addInstallations(program: Command, withTools: WithTools): void {
  const installations = program
    .command('installations')
    .description('show or export the data of an installation');
  installations
    .command('show <id>')
    .description('show what is stored, as row counts')
    .action(
      withTools(async ({ admin, printer }, id: string) => {
        const path = `/v1/installations/${encodeURIComponent(id)}`;
        const response = await admin.request<InstallationSummary>('GET', path);
        printer.print(response, () => [
          ...response.products.flatMap((product) => [...fields(product), '']),
          ...fields({ rows: response.rows }),
        ]);
      }),
    );
  installations
    .command('export <id>')
    .description('export every row as NDJSON')
    .action(
      withTools(({ admin, out }, id: string) =>
        admin.stream(`/v1/installations/${encodeURIComponent(id)}/export`, out),
      ),
    );
}
