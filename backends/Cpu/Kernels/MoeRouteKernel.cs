using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary>
/// <c>moe_route</c>: softmax over all experts, the k largest, and with renormalise their weights over their sum. The choice is made
/// among the logits, whose order is that of the weights before rounding. A unit is a token. Any strides of the logits.
/// </summary>
internal sealed unsafe class MoeRouteKernel : CpuKernel
{
    private const long CostPerElement = 4;

    private readonly Work _work;
    private readonly bool _renormalises;

    public MoeRouteKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, Floats(2 * Most(op, 0, -1)))
    {
        _work = Run;
        _renormalises = op.Attributes.Int64("renormalise") == 1;
    }

    protected override Status Run(in Bindings bindings)
    {
        Pool.Run(_work, Operands[0].Dims[0], CostPerElement * Operands[0].Last);
        return Status.Ok;
    }

    private void Run(int worker, long begin, long end)
    {
        long experts = Operands[0].Last;
        int k = checked((int)Results[0].Last);
        for (long token = begin; token < end; token++)
        {
            float* scratch = Pool.Scratch(worker);
            float* logits = Operands[0].FloatRow(token, scratch);
            float* all = scratch + experts;
            float* weights = (float*)Results[0].Data + (token * k);
            int* indices = (int*)Results[1].Data + (token * k);
            TopKKernel.Select(logits, experts, weights, indices, k);
            SoftmaxKernel.Row(logits, all, experts);
            float sum = 0;
            for (int j = 0; j < k; j++)
            {
                weights[j] = all[indices[j]];
                sum += weights[j];
            }

            for (int j = 0; _renormalises && j < k; j++)
            {
                weights[j] /= sum;
            }
        }
    }
}
