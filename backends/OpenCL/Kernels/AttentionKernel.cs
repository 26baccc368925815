using HeteroQwen.Ir;

namespace HeteroQwen.Backends.OpenCL.Kernels;

/// <summary><c>attention</c>: slots come from the page table, bounds from each token's position.</summary>
internal sealed class AttentionKernel(OpDescriptor op, OpenClDevice device) : ClKernel(device, op, Ignored)
{
    private const int Q = 0, K = 1, V = 2, QSeq = 3, QPos = 4, QStart = 5, KvStart = 6, PageTable = 7, KvSlot = 8, KvSeq = 9, KvPos = 10;

    private const ulong Ignored =
        (1UL << QStart) | (1UL << KvStart) | (1UL << KvSlot) | (1UL << KvSeq) | (1UL << KvPos);

    /// <summary>Query heads of a group at the most: more of them would not stay in registers.</summary>
    private const int MostHeads = 4;

    private readonly int _heads = HeadsOf(op);
    private ClFunction? _function;

    protected override void Build()
    {
        long width = Op.Operands[Q].Dims[2].Constant;
        int vector = Tuning.Lanes == 1 && width % 8 == 0 ? 8 : 1;
        _function = Function(
            "attention.cl",
            $"-D KV={Op.Operands[K].Element.Name()} -D D={width} -D VW={vector} -D HEADS={_heads} -D CHUNK={Math.Max(Tuning.Lanes, 64)} "
                + $"-D PAGE={Op.Attributes.Int64("page")}",
            "attention",
            Tuning.Lanes);
    }

    protected override Status Enqueue(nint queue)
    {
        (TensorSlot q, TensorSlot k, TensorSlot table) = (Operands[Q], Operands[K], Operands[PageTable]);
        return _function!.Begin().Tensor(q).Tensor(k).Tensor(Operands[V]).Tensor(Operands[QSeq]).Tensor(Operands[QPos]).Tensor(table)
            .Tensor(Results[0]).Int(q.Dims[1]).Int(k.Dims[1]).Int(table.Dims[0]).Int(table.Dims[1])
            .Int(k.Dims[0] / Op.Attributes.Int64("page")).Long(k.Element.Bytes(k.Last)).Int(Op.Attributes.Int64("window"))
            .Float((float)Op.Attributes.Float64("scale")).Run(queue, q.Dims[0] * q.Dims[1] / _heads);
    }

    /// <summary>As many of the query heads that share a head of K as a group takes.</summary>
    private static int HeadsOf(OpDescriptor op)
    {
        long group = op.Operands[Q].Dims[1].Constant / op.Operands[K].Dims[1].Constant;
        int heads = MostHeads;
        while (group % heads != 0)
        {
            heads--;
        }

        return heads;
    }
}
