using HeteroQwen.Backends.Cpu.Attention;
using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Blocks;

/// <summary>
/// <c>attention_block</c> in fast, bit for bit its opened form. Passes: h = rms_norm(x, norm) into prepared rows (a unit is a row); tiles of
/// q, k and v, biases added (32 columns of one of the three, all rows); norm and rope of q and k, k and v into the states (a head, all
/// rows in turn, so that where slots repeat, on the scrap page, the last row wins); attention by <see cref="AttentionCore"/>; its result
/// into prepared rows (a row); tiles of wo, bias and x added (32 columns). The small passes of one row are done by the caller alone, so
/// that a step of decoding waits for the others three times, or four where its entries are split.
/// <para>Workspace: prepared rows of h; q and a [T, H D], k and v [T, Hkv D]; prepared rows of a; attention's own. Scratch: a normed row,
/// or a tile.</para>
/// </summary>
internal sealed unsafe class AttentionBlockKernel : PackedKernel
{
    private const int X = 0, Norm = 1, Wq = 2, Wk = 3, Wv = 4, Wo = 5, QNorm = 6, KNorm = 7, Cos = 8, Sin = 9, KState = 10, VState = 11;
    private const int WriteSlot = 12, QSeq = 13, QPos = 14, QStart = 15, KvStart = 16, PageTable = 17, KvSlot = 18, KvSeq = 19, KvPos = 20;
    private const int FirstBias = 21;
    private const ulong Ignored = (1UL << QStart) | (1UL << KvSlot) | (1UL << KvSeq) | (1UL << KvPos);

    private readonly Work _fillInput;
    private readonly Work _project;
    private readonly Work _placeHeads;
    private readonly Work _fillOutput;
    private readonly Work _addOutput;
    private readonly AttentionShape _shape;
    private readonly AttentionCore _core;
    private readonly double _eps;
    private readonly NormWeight _norm;
    private readonly NormWeight _qNorm;
    private readonly NormWeight _kNorm;
    private readonly NormWeight?[] _biases = new NormWeight?[4];
    private readonly PreparedRows _input;
    private readonly PreparedRows _output;
    private AttentionBlockMemory _memory;

    public AttentionBlockKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, Ignored)
    {
        (_fillInput, _project, _placeHeads, _fillOutput, _addOutput) = (FillInput, Project, PlaceHeads, FillOutput, AddOutput);
        _eps = op.Attributes.Float64("eps");
        _norm = OwnVector(Norm);
        _qNorm = OwnVector(QNorm);
        _kNorm = OwnVector(KNorm);
        for (int i = 0; i < _biases.Length; i++)
        {
            _biases[i] = op.Operands.Length > FirstBias ? OwnVector(FirstBias + i) : null;
        }

        _input = new PreparedRows(_norm.Length, Weights[Wq]!.Product, Weights[Wk]!.Product, Weights[Wv]!.Product);
        _output = new PreparedRows(Weights[Wo]!.Length, Weights[Wo]!.Product);
        _shape = Guarded(() => ShapeOf(op));
        _core = Guarded(() => new AttentionCore(_shape, pool));
        EnsureScratch(Floats(Math.Max(Math.Max(_norm.Length, _shape.HeadDim), PackedWeight.TileElements(Most(op, X, 0)))));
        Guarded(() =>
        {
            pool.EnsureScratch(_core.ScratchBytes);
            return _core;
        });
        Info = PackedInfo([.. SameLayout(op).Where(p => p.Operand == X)]);
    }

    protected override long WorkspaceBytes(in Bindings bindings) =>
        checked(AttentionBlockMemory.Bytes(_shape, _input, _output, bindings.T) + _core.WorkspaceBytes(bindings.T, bindings.N));

    protected override Status Run(in Bindings bindings)
    {
        int rows = checked((int)Operands[X].Dims[0]);
        _memory = new AttentionBlockMemory(_shape, _input, _output, rows, Workspace);
        AttentionArguments arguments = Arguments(bindings);
        Status status = Check(arguments);
        if (!status.IsOk)
        {
            return status;
        }

        BindVectors();
        Pool.Run(_fillInput, rows, _norm.Length);
        Pool.Run(_project, Weights[Wq]!.Tiles + Weights[Wk]!.Tiles + Weights[Wv]!.Tiles, Weights[Wq]!.TileCost(rows));
        Pool.Run(_placeHeads, _shape.KvHeads + _shape.Heads, (long)rows * _shape.HeadDim);
        _core.Run(arguments, _memory.Rest);
        Pool.Run(_fillOutput, rows, Weights[Wo]!.Length);
        Pool.Run(_addOutput, Weights[Wo]!.Tiles, Weights[Wo]!.TileCost(rows));
        return Status.Ok;
    }

    private static AttentionShape ShapeOf(OpDescriptor op)
    {
        int headDim = checked((int)Most(op, KState, 2));
        return new AttentionShape(
            checked((int)(Most(op, Wq, 0) / headDim)), checked((int)Most(op, KState, 1)), headDim, op.Operands[KState].Element,
            op.Attributes.Int64("page"), Most(op, PageTable, 1), op.Attributes.Int64("window"), (float)op.Attributes.Float64("scale"));
    }

    private AttentionArguments Arguments(in Bindings bindings) => new()
    {
        Q = _memory.Q,
        QTokenStride = (long)_shape.Heads * _shape.HeadDim,
        QHeadStride = _shape.HeadDim,
        QInnerStride = 1,
        K = Operands[KState].Data,
        V = Operands[VState].Data,
        Slots = Operands[KState].Dims[0],
        QSeq = Index(QSeq),
        QPos = Index(QPos),
        KvStart = Index(KvStart),
        PageTable = Index(PageTable),
        Tokens = Operands[X].Dims[0],
        Sequences = Operands[PageTable].Dims[0],
        Entries = bindings.N,
        Output = _memory.Attended,
    };

    private int* Index(int operand) => (int*)Operands[operand].Data;

    /// <summary>Nothing is written before all that becomes an address has been looked at.</summary>
    private Status Check(in AttentionArguments arguments)
    {
        if (Results[1].Data != Operands[KState].Data || Results[2].Data != Operands[VState].Data)
        {
            return Status.InvalidArgument("cpu: attention_block: a result is not its state's own memory");
        }

        Status status = CheckIndices(WriteSlot, arguments.Slots);
        return status.IsOk ? _core.Check(arguments) : status;
    }

    private void BindVectors()
    {
        _norm.Bind();
        _qNorm.Bind();
        _kNorm.Bind();
        foreach (NormWeight? bias in _biases)
        {
            bias?.Bind();
        }
    }

    private void FillInput(int worker, long begin, long end)
    {
        float* normed = (float*)OwnScratch(worker);
        for (long row = begin; row < end; row++)
        {
            RmsNormKernel.Row((float*)Operands[X].Data + (row * _norm.Length), _norm.Data, _eps, normed, _norm.Length);
            _input.Fill(row, normed);
        }
    }

    /// <summary>Tiles of wq, then of wk, then of wv.</summary>
    private void Project(int worker, long begin, long end)
    {
        for (long unit = begin; unit < end; unit++)
        {
            (int which, long tile) = (0, unit);
            for (; tile >= Weights[Wq + which]!.Tiles; which++)
            {
                tile -= Weights[Wq + which]!.Tiles;
            }

            float* y = which switch { 0 => _memory.Q, 1 => _memory.K, _ => _memory.V };
            float* bias = _biases[which] is { } vector ? vector.Data : null;
            Weights[Wq + which]!.MultiplyAll(_input, tile, bias, y, ProductScratch(worker));
        }
    }

    /// <summary>Heads of k and v into the states, then heads of q in place.</summary>
    private void PlaceHeads(int worker, long begin, long end)
    {
        float* turned = (float*)OwnScratch(worker);
        for (long unit = begin; unit < end; unit++)
        {
            for (long token = 0; token < Operands[X].Dims[0]; token++)
            {
                if (unit < _shape.KvHeads)
                {
                    long at = unit * _shape.HeadDim;
                    long row = (token * _shape.KvHeads * _shape.HeadDim) + at;
                    Turn(_memory.K + row, _kNorm, token, turned);
                    Write(Operands[KState], token, at, turned);
                    Write(Operands[VState], token, at, _memory.V + row);
                }
                else
                {
                    float* q = _memory.Q + (((token * _shape.Heads) + unit - _shape.KvHeads) * _shape.HeadDim);
                    Turn(q, _qNorm, token, q);
                }
            }
        }
    }

    /// <summary>y = rope(rms_norm(x)); y may be x.</summary>
    private void Turn(float* x, NormWeight norm, long token, float* y)
    {
        long length = _shape.HeadDim;
        RmsNormKernel.Row(x, norm.Data, _eps, y, length);
        RopeKernel.Rotate(y, (float*)Operands[Cos].Data + (token * length), (float*)Operands[Sin].Data + (token * length), y, length / 2);
    }

    private void Write(TensorView state, long token, long at, float* from)
    {
        long row = Index(WriteSlot)[token] * (long)_shape.KvHeads * _shape.HeadDim;
        Widening.Narrow(state.Element, from, _shape.HeadDim, state.Data + state.Bytes(row + at));
    }

    private void FillOutput(int worker, long begin, long end)
    {
        for (long row = begin; row < end; row++)
        {
            _output.Fill(row, _memory.Attended + (row * _output.Length));
        }
    }

    private void AddOutput(int worker, long begin, long end)
    {
        float* bias = _biases[3] is { } vector ? vector.Data : null;
        for (long tile = begin; tile < end; tile++)
        {
            Weights[Wo]!.AddTo(
                _output, tile, bias, (float*)Operands[X].Data, (float*)Results[0].Data, (float*)OwnScratch(worker), ProductScratch(worker));
        }
    }
}
