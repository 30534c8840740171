export default (row: { id: number; note: string }) => ({ ...row, more: 1 });
