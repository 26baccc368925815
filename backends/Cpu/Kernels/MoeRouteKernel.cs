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

    /// <summary>The k experts of one token and their weights.</summary>
    /// <param name="logits">Of all experts.</param>
    /// <param name="experts">Their number.</param>
    /// <param name="renormalises">Whether the weights are divided by their sum.</param>
    /// <param name="weights">k results.</param>
    /// <param name="indices">k results.</param>
    /// <param name="k">Experts that are chosen.</param>
    /// <param name="scratch">As many elements as there are experts.</param>
    public static void Row(float* logits, long experts, bool renormalises, float* weights, int* indices, int k, float* scratch)
    {
        TopKKernel.Select(logits, experts, weights, indices, k);
        SoftmaxKernel.Row(logits, scratch, experts);
        float sum = 0;
        for (int j = 0; j < k; j++)
        {
            weights[j] = scratch[indices[j]];
            sum += weights[j];
        }

        for (int j = 0; renormalises && j < k; j++)
        {
            weights[j] /= sum;
        }
    }

    private void Run(int worker, long begin, long end)
    {
        long experts = Operands[0].Last;
        int k = checked((int)Results[0].Last);
        float* scratch = Pool.Scratch(worker);
        for (long token = begin; token < end; token++)
        {
            float* logits = Operands[0].FloatRow(token, scratch);
            float* weights = (float*)Results[0].Data + (token * k);
            int* indices = (int*)Results[1].Data + (token * k);
            Row(logits, experts, _renormalises, weights, indices, k, scratch + experts);
        }
    }
}
