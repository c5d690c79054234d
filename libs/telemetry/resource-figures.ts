interface Declaration {
  /** The column of `resource_reading` and of the views that show it. */
  readonly column: string;
  readonly unit: 'cores' | 'percent' | 'MB' | '1';
  readonly about: string;
  /** Whether a product may declare a property with it. */
  readonly isDeclarable?: true;
}

/**
 * The resources of a cluster or a machine in one report. The columns of statements, the preview and the fields of
 * declarations derive from it. A new one needs a column too, in a migration: a test compares.
 */
export const RESOURCE_FIGURES = {
  cpuTotal: {
    column: 'cpu_total',
    unit: 'cores',
    about: 'CPUs available, in cores.',
    isDeclarable: true,
  },
  cpuUsed: { column: 'cpu_used', unit: 'cores', about: 'CPUs allocated, in cores.' },
  cpuPercent: {
    column: 'cpu_percent',
    unit: 'percent',
    about: 'Average CPU usage, in percent of the whole machine',
    isDeclarable: true,
  },
  memTotalMb: {
    column: 'mem_total_mb',
    unit: 'MB',
    about: 'Memory available, in MB.',
    isDeclarable: true,
  },
  memUsedMb: {
    column: 'mem_used_mb',
    unit: 'MB',
    about: 'Memory allocated, in MB.',
    isDeclarable: true,
  },
  diskTotalMb: { column: 'disk_total_mb', unit: 'MB', about: 'Disk space available, in MB.' },
  diskUsedMb: { column: 'disk_used_mb', unit: 'MB', about: 'Disk space allocated, in MB.' },
  agentsActive: { column: 'agents_active', unit: '1', about: 'Active agent nodes.' },
  agentsConnected: { column: 'agents_connected', unit: '1', about: 'Connected agent nodes.' },
  taskCount: { column: 'task_count', unit: '1', about: 'Running tasks.' },
  frameworkCount: {
    column: 'framework_count',
    unit: '1',
    about: 'Installed frameworks, as the agent counts them.',
  },
} as const satisfies Record<string, Declaration>;

export type ResourceFigure = keyof typeof RESOURCE_FIGURES;
export const resourceFigures = Object.keys(RESOURCE_FIGURES) as readonly ResourceFigure[];

/** The figures that a product may declare. */
export type DeclaredResource = {
  [F in ResourceFigure]: (typeof RESOURCE_FIGURES)[F] extends { isDeclarable: true } ? F : never;
}[ResourceFigure];
export const declarableResources = resourceFigures.filter(
  (figure): figure is DeclaredResource => 'isDeclarable' in RESOURCE_FIGURES[figure],
);

/** The values of one report. Null for those that the agent did not send. */
export type ResourceFigures = Record<ResourceFigure, number | null>;

export function noResources(): ResourceFigures {
  return Object.fromEntries(resourceFigures.map((figure) => [figure, null])) as ResourceFigures;
}
