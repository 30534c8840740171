// Which versions a new one takes the rows of: those that are collected from a place that the new one is collected from too.
type Document = Record<string, unknown>;

const READS = ['tableRead', 'fileRead'] as const;

/** The places that a published document collects its tables from. */
const placesOf = (document: Document | null): string[] => {
  const entries = Array.isArray(document?.['protocol']) ? (document['protocol'] as Document[]) : [];
  return entries.flatMap((entry) =>
    READS.flatMap((kind) => {
      const read = entry[kind] as Document | undefined;
      return read ? [JSON.stringify([entry['connection'], read['schema'] ?? '', read['table'] ?? '', read['path'] ?? ''])] : [];
    }),
  );
};

/** The places, in the order of versions, of those whose rows the new document's upload replaced. */
export const supersededBy = (document: Document, others: readonly { place: number; document: Document | null }[]): number[] => {
  const taken = new Set(placesOf(document));
  return others.filter((other) => placesOf(other.document).some((place) => taken.has(place))).map(({ place }) => place);
};
