using HeteroQwen.Backends.Cpu.Tiers;
using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// <c>moe_ffn</c>: out[t] = sum over j in order of weights[t, j] * down[e] . (silu(gate[e] . x[t]) * (up[e] . x[t])), e = index[t, j].
/// Four passes over the pairs (t, j), each split by its outputs: gate and up; swiglu; down; the sum. Any strides of x.
/// <para>Workspace: gate [pairs, F], up [pairs, F], down [pairs, K].</para>
/// </summary>
internal sealed unsafe class MoeFfnKernel : CpuKernel
{
    private readonly Work _gateUp;
    private readonly Work _swiGlu;
    private readonly Work _down;
    private readonly Work _combine;
    private readonly delegate*<float*, float*, float*, long, void> _row;
    private readonly ExpertGroups _groups;
    private readonly long _hidden;
    private readonly long _ffn;
    private readonly int _k;
    private float* _gates;
    private float* _ups;
    private float* _outputs;

    public MoeFfnKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, RowBlocks.ScratchBytes(Math.Max(Most(op, 3, 1), Most(op, 3, 2))))
    {
        (_gateUp, _swiGlu, _down, _combine) = (GateUp, SwiGlu, Down, Combine);
        _row = SwiGluLoops.For(pool.Tier.Width());
        (_ffn, _hidden) = (Most(op, 3, 1), Most(op, 3, 2));
        _k = checked((int)Most(op, 2, 1));
        _groups = new ExpertGroups(op.Operands[2].Elements(op.Maxima), Most(op, 3, 0));
    }

    protected override long WorkspaceBytes(in Bindings bindings) =>
        checked(Op.Operands[2].Elements(bindings) * ((2 * _ffn) + _hidden) * sizeof(float));

    protected override Status Run(in Bindings bindings)
    {
        Status status = CheckIndices(2, Operands[3].Dims[0]);
        if (!status.IsOk)
        {
            return status;
        }

        int pairs = checked((int)Operands[2].Elements);
        _groups.Sort((int*)Operands[2].Data, pairs);
        _gates = (float*)Workspace;
        _ups = _gates + (pairs * _ffn);
        _outputs = _ups + (pairs * _ffn);
        long products = pairs * _ffn * _hidden / RowBlocks.ProductsPerCost;
        long gateUnits = GateUnits;
        Pool.Run(_gateUp, 2 * gateUnits, products / gateUnits);
        Pool.Run(_swiGlu, pairs, 2 * _ffn);
        long downUnits = _groups.Count * RowBlocks.Blocks(_hidden);
        Pool.Run(_down, downUnits, products / downUnits);
        Pool.Run(_combine, pairs / _k, _k * _hidden / 4);
        return Status.Ok;
    }

    private long GateUnits => _groups.Count * RowBlocks.Blocks(_ffn);

    private void GateUp(int worker, long begin, long end)
    {
        ExpertRows x = new(Operands[0], null, 0, _k);
        for (long unit = begin; unit < end; unit++)
        {
            bool gate = unit < GateUnits;
            _groups.Multiply(
                gate ? unit : unit - GateUnits, Operands[gate ? 3 : 4], x, gate ? _gates : _ups, Pool.Scratch(worker));
        }
    }

    private void SwiGlu(int worker, long begin, long end)
    {
        for (long pair = begin; pair < end; pair++)
        {
            float* gate = _gates + (pair * _ffn);
            _row(gate, _ups + (pair * _ffn), gate, _ffn);
        }
    }

    private void Down(int worker, long begin, long end)
    {
        ExpertRows x = new(null, _gates, _ffn, 1);
        for (long unit = begin; unit < end; unit++)
        {
            _groups.Multiply(unit, Operands[5], x, _outputs, Pool.Scratch(worker));
        }
    }

    private void Combine(int worker, long begin, long end)
    {
        for (long token = begin; token < end; token++)
        {
            float* y = (float*)Results[0].Data + (token * _hidden);
            new Span<float>(y, checked((int)_hidden)).Clear();
            for (long pair = token * _k; pair < (token + 1) * _k; pair++)
            {
                Products.Accumulate(_outputs + (pair * _hidden), ((float*)Operands[1].Data)[pair], _hidden, y);
            }
        }
    }
}
