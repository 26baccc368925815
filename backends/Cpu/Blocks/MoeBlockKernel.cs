using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Blocks;

/// <summary>
/// <c>moe_block</c> in fast: x + moe_ffn(h, moe_route(router . h)) with h = rms_norm(x, norm), bit for bit its opened form. Passes: h
/// into prepared rows, for router and experts (a unit is a row); tiles of the router's logits (32 experts, all rows); the choice (a row);
/// then those of <see cref="ExpertKernel"/>, whose sum adds x.
/// <para>Workspace: prepared rows of h, logits [T, E], weights [T, k], index [T, k], then the experts'. Scratch: a normed row, or one of
/// all experts' weights.</para>
/// </summary>
internal sealed unsafe class MoeBlockKernel : ExpertKernel
{
    private const int X = 0, Norm = 1, Router = 2, FirstWeight = 3;
    private const long CostPerExpert = 4;

    private readonly Work _fill;
    private readonly Work _logits;
    private readonly Work _route;
    private readonly PreparedRows _rows;
    private readonly NormWeight _norm;
    private readonly double _eps;
    private readonly bool _renormalises;
    private float* _scores;
    private float* _weights;
    private int* _index;

    public MoeBlockKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, FirstWeight, op.Attributes.Int64("k"))
    {
        (_fill, _logits, _route) = (Fill, Logits, Route);
        _eps = op.Attributes.Float64("eps");
        _renormalises = op.Attributes.Int64("renormalise") == 1;
        _rows = new PreparedRows(Hidden, Gate.Product, Up.Product, Weights[Router]!.Product);
        _norm = OwnVector(Norm);
        EnsureScratch(Math.Max(ExpertScratch, Floats(Math.Max(Hidden, Gate.Matrices))));
        Info = PackedInfo([.. SameLayout(op).Where(p => p.Operand == X)]);
    }

    protected override long WorkspaceBytes(in Bindings bindings)
    {
        long tokens = Op.Operands[X].Dim(0, bindings);
        return checked(_rows.Bytes(tokens) + LogitBytes(tokens) + (2 * ChoiceBytes(tokens)) + ExpertBytes(tokens));
    }

    protected override Status Run(in Bindings bindings)
    {
        int tokens = checked((int)Operands[X].Dims[0]);
        _norm.Bind();
        _rows.Bind(tokens, Workspace, tokens * K);
        byte* next = Workspace + _rows.Bytes(tokens);
        _scores = (float*)next;
        next += LogitBytes(tokens);
        _weights = (float*)next;
        _index = (int*)(next + ChoiceBytes(tokens));
        Pool.Run(_fill, tokens, Hidden);
        Pool.Run(_logits, Weights[Router]!.Tiles, Weights[Router]!.TileCost(tokens));
        Pool.Run(_route, tokens, CostPerExpert * Gate.Matrices);
        Launched launch = new(tokens, _index, _weights, _rows, (float*)Operands[X].Data, (float*)Results[0].Data);
        RunExperts(launch, next + (2 * ChoiceBytes(tokens)));
        return Status.Ok;
    }

    private long LogitBytes(long tokens) => Aligned(Floats(checked(tokens * Gate.Matrices)));

    private long ChoiceBytes(long tokens) => Aligned(Floats(checked(tokens * K)));

    private void Fill(int worker, long begin, long end)
    {
        float* normed = (float*)OwnScratch(worker);
        for (long row = begin; row < end; row++)
        {
            RmsNormKernel.Row((float*)Operands[X].Data + (row * Hidden), _norm.Data, _eps, normed, Hidden);
            _rows.Fill(row, normed);
        }
    }

    private void Logits(int worker, long begin, long end)
    {
        PackedWeight router = Weights[Router]!;
        ActivationRows rows = _rows.For(router.Product);
        for (long tile = begin; tile < end; tile++)
        {
            router.Multiply(rows, 0, tile, _scores + (tile * PackedWeight.TileColumns), Gate.Matrices, ProductScratch(worker));
        }
    }

    private void Route(int worker, long begin, long end)
    {
        for (long token = begin; token < end; token++)
        {
            MoeRouteKernel.Row(
                _scores + (token * Gate.Matrices), Gate.Matrices, _renormalises, _weights + (token * K), _index + (token * K), K,
                (float*)OwnScratch(worker));
        }
    }
}
