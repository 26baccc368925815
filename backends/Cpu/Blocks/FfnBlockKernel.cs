using HeteroQwen.Backends.Cpu.Kernels;
using HeteroQwen.Backends.Cpu.Panels;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Blocks;

/// <summary>
/// <c>ffn_block</c> in fast: x + down . (silu(gate . h) * (up . h)) with h = rms_norm(x, norm), rows t in turn, bit for bit its opened form.
/// Four passes: h into prepared rows (a unit is a row); tiles [512, 32] of gate and up, then swiglu of them while they are in the cache
/// (a unit is 32 columns of the hidden layer, all rows); the hidden layer into prepared rows; tiles of down, x added (32 columns).
/// One row is prepared by the caller alone, so that a step of decoding waits for the others twice.
/// <para>Workspace: prepared rows of h, hidden [T, F], prepared rows of it. Scratch: a normed row, or two tiles.</para>
/// </summary>
internal sealed unsafe class FfnBlockKernel : PackedKernel
{
    private const int X = 0, Norm = 1, Gate = 2, Up = 3, Down = 4;

    private readonly Work _fillInput;
    private readonly Work _gateUp;
    private readonly Work _fillHidden;
    private readonly Work _down;
    private readonly double _eps;
    private readonly long _ffn;
    private readonly NormWeight _norm;
    private readonly PreparedRows _input;
    private readonly PreparedRows _hiddenRows;
    private float* _hidden;

    public FfnBlockKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool)
    {
        (_fillInput, _gateUp, _fillHidden, _down) = (FillInput, GateUp, FillHidden, AddDown);
        _eps = op.Attributes.Float64("eps");
        _ffn = Weights[Gate]!.Columns;
        _norm = OwnVector(Norm);
        _input = new PreparedRows(_norm.Length, Weights[Gate]!.Product, Weights[Up]!.Product);
        _hiddenRows = new PreparedRows(_ffn, Weights[Down]!.Product);
        EnsureScratch(Floats(Math.Max(_norm.Length, 2 * PackedWeight.TileElements(Most(op, X, 0)))));
        Info = PackedInfo([.. SameLayout(op).Where(p => p.Operand == X)]);
    }

    protected override long WorkspaceBytes(in Bindings bindings)
    {
        long rows = Op.Operands[X].Dim(0, bindings);
        return checked(_input.Bytes(rows) + Aligned(Floats(rows * _ffn)) + _hiddenRows.Bytes(rows));
    }

    protected override Status Run(in Bindings bindings)
    {
        int rows = checked((int)Operands[X].Dims[0]);
        _norm.Bind();
        _input.Bind(rows, Workspace, rows);
        _hidden = (float*)(Workspace + _input.Bytes(rows));
        _hiddenRows.Bind(rows, (byte*)_hidden + Aligned(Floats(rows * _ffn)), rows);
        Pool.Run(_fillInput, rows, _norm.Length);
        Pool.Run(_gateUp, Weights[Gate]!.Tiles, Weights[Gate]!.TileCost(rows) + Weights[Up]!.TileCost(rows));
        Pool.Run(_fillHidden, rows, _ffn);
        Pool.Run(_down, Weights[Down]!.Tiles, Weights[Down]!.TileCost(rows));
        return Status.Ok;
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

    private void GateUp(int worker, long begin, long end)
    {
        (PackedWeight gate, PackedWeight up) = (Weights[Gate]!, Weights[Up]!);
        (ActivationRows forGate, ActivationRows forUp) = (_input.For(gate.Product), _input.For(up.Product));
        for (long unit = begin; unit < end; unit++)
        {
            up.SwiGlu(gate, forGate, forUp, 0, unit, _hidden, (float*)OwnScratch(worker), ProductScratch(worker));
        }
    }

    private void FillHidden(int worker, long begin, long end)
    {
        for (long row = begin; row < end; row++)
        {
            _hiddenRows.Fill(row, _hidden + (row * _ffn));
        }
    }

    private void AddDown(int worker, long begin, long end)
    {
        for (long unit = begin; unit < end; unit++)
        {
            Weights[Down]!.AddTo(
                _hiddenRows, unit, null, (float*)Operands[X].Data, (float*)Results[0].Data, (float*)OwnScratch(worker), ProductScratch(worker));
        }
    }
}
