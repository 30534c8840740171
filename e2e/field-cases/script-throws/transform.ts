export default (row: { id: number; note: string }) => {
  throw new Error(row.note);
};
