namespace HeteroQwen.Backends.Cpu.Attention;

/// <summary>Checks all that becomes an address: sequences, positions, and the pages of each sequence that has tokens.</summary>
internal static unsafe class AttentionChecks
{
    public static Status Check(AttentionShape shape, in AttentionArguments a)
    {
        int checkedSequence = -1;
        for (long t = 0; t < a.Tokens; t++)
        {
            (int sequence, int position) = (a.QSeq[t], a.QPos[t]);
            if ((uint)sequence >= a.Sequences)
            {
                return Status.InvalidArgument($"cpu: attention: q_seq {sequence} of token {t} is not in 0..{a.Sequences - 1}");
            }

            long entries = (long)a.KvStart[sequence + 1] - a.KvStart[sequence];
            if (position < 0 || position >= entries)
            {
                return Status.InvalidArgument($"cpu: attention: q_pos {position} of token {t} is not among its {entries} entries");
            }

            if (sequence != checkedSequence)
            {
                Status status = CheckPages(shape, a, sequence, entries);
                if (!status.IsOk)
                {
                    return status;
                }

                checkedSequence = sequence;
            }
        }

        return Status.Ok;
    }

    private static Status CheckPages(AttentionShape shape, in AttentionArguments a, int sequence, long entries)
    {
        long pool = a.Slots / shape.Page;
        long pages = ((entries - 1) / shape.Page) + 1;
        if (entries > a.Entries || pages > shape.Columns)
        {
            return Status.InvalidArgument(
                $"cpu: attention: sequence {sequence} has {entries} entries, more than its {shape.Columns} pages or N hold");
        }

        int* row = a.PageTable + (sequence * shape.Columns);
        for (long i = 0; i < pages; i++)
        {
            if ((uint)row[i] >= pool)
            {
                return Status.InvalidArgument($"cpu: attention: page {row[i]} of sequence {sequence} is not in 0..{pool - 1}");
            }
        }

        return Status.Ok;
    }
}
