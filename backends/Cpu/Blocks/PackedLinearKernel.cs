using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Blocks;

/// <summary>
/// <c>linear</c> in fast with a constant weight: y[t, n] = sum over k of x[t, k] w[n, k] (+ bias[n]). Two passes: x into prepared rows (a
/// unit is a row), then tiles [512, 32] of y (a unit is 32 columns, all rows). Any strides of x; a row that does not lie side by side
/// passes through scratch.
/// <para>Workspace: prepared rows. Scratch: a row of x.</para>
/// </summary>
internal sealed unsafe class PackedLinearKernel : PackedKernel
{
    private const int X = 0, Weight = 1, Bias = 2;

    private readonly Work _fill;
    private readonly Work _multiply;
    private readonly PreparedRows _rows;
    private readonly NormWeight? _bias;

    public PackedLinearKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool)
    {
        (_fill, _multiply) = (Fill, Multiply);
        _bias = Operands.Length > Bias ? OwnVector(Bias) : null;
        _rows = Guarded(() => new PreparedRows(Weights[Weight]!.Length, Weights[Weight]!.Product));
        EnsureScratch(Floats(Weights[Weight]!.Length));
        Info = PackedInfo([]);
    }

    protected override long WorkspaceBytes(in Bindings bindings) => _rows.Bytes(Op.Operands[X].Dim(0, bindings));

    protected override Status Run(in Bindings bindings)
    {
        PackedWeight weight = Weights[Weight]!;
        int rows = checked((int)Operands[X].Dims[0]);
        _bias?.Bind();
        _rows.Bind(rows, Workspace, rows);
        Pool.Run(_fill, rows, weight.Length);
        Pool.Run(_multiply, weight.Tiles, weight.TileCost(rows));
        return Status.Ok;
    }

    private void Fill(int worker, long begin, long end)
    {
        for (long row = begin; row < end; row++)
        {
            _rows.Fill(row, Operands[X].FloatRow(row, (float*)OwnScratch(worker)));
        }
    }

    private void Multiply(int worker, long begin, long end)
    {
        float* bias = _bias is null ? null : _bias.Data;
        for (long tile = begin; tile < end; tile++)
        {
            Weights[Weight]!.MultiplyAll(_rows, tile, bias, (float*)Results[0].Data, ProductScratch(worker));
        }
    }
}
