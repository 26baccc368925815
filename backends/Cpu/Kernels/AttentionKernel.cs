using HeteroQwen.Backends.Cpu.Attention;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary><c>attention</c> over the paged pool by <see cref="AttentionCore"/>. Any strides of q.</summary>
internal sealed unsafe class AttentionKernel : CpuKernel
{
    private const int Q = 0, K = 1, V = 2, QSeq = 3, QPos = 4, QStart = 5, KvStart = 6, PageTable = 7, KvSlot = 8, KvSeq = 9, KvPos = 10;
    private const ulong Ignored = (1UL << QStart) | (1UL << KvSlot) | (1UL << KvSeq) | (1UL << KvPos);

    private readonly AttentionCore _core;

    public AttentionKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, ignores: Ignored)
    {
        AttentionShape shape = new(
            Count(op, Q, 1), Count(op, K, 1), Count(op, Q, 2), op.Operands[K].Element, op.Attributes.Int64("page"), Most(op, PageTable, 1),
            op.Attributes.Int64("window"), (float)op.Attributes.Float64("scale"));
        _core = new AttentionCore(shape, pool);
        pool.EnsureScratch(_core.ScratchBytes);
    }

    protected override long WorkspaceBytes(in Bindings bindings) => _core.WorkspaceBytes(bindings.T, bindings.N);

    protected override Status Run(in Bindings bindings)
    {
        (TensorView q, TensorView k) = (Operands[Q], Operands[K]);
        AttentionArguments arguments = new()
        {
            Q = (float*)q.Data,
            QTokenStride = q.Strides[0],
            QHeadStride = q.Strides[1],
            QInnerStride = q.InnerStride,
            K = k.Data,
            V = Operands[V].Data,
            Slots = k.Dims[0],
            QSeq = Index(QSeq),
            QPos = Index(QPos),
            KvStart = Index(KvStart),
            PageTable = Index(PageTable),
            Tokens = q.Dims[0],
            Sequences = Operands[PageTable].Dims[0],
            Entries = bindings.N,
            Output = (float*)Results[0].Data,
        };
        Status status = _core.Check(arguments);
        if (status.IsOk)
        {
            _core.Run(arguments, Workspace);
        }

        return status;
    }

    private static int Count(OpDescriptor op, int operand, int axis) => checked((int)Most(op, operand, axis));

    private int* Index(int operand) => (int*)Operands[operand].Data;
}
