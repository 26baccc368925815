using HeteroQwen.Ir;

namespace HeteroQwen.Backends.Cpu.Kernels;

/// <summary><c>top_k</c>: each row's k largest, by insertion into the sorted list of those found so far. Any strides of x.</summary>
internal sealed unsafe class TopKKernel : CpuKernel
{
    private readonly Work _work;

    public TopKKernel(OpDescriptor op, ConstantData?[] constants, WorkerPool pool)
        : base(op, constants, pool, Floats(Most(op, 0, -1))) => _work = Run;

    /// <summary>The k largest of a row in descending order; ties to the lower index, NaN the least of all.</summary>
    public static void Select(float* x, long length, float* values, int* indices, int k)
    {
        int found = 0;
        for (int i = 0; i < length; i++)
        {
            if (found == k && !Precedes(x[i], values[k - 1]))
            {
                continue;
            }

            int place = found < k ? found++ : k - 1;
            for (; place > 0 && Precedes(x[i], values[place - 1]); place--)
            {
                values[place] = values[place - 1];
                indices[place] = indices[place - 1];
            }

            values[place] = x[i];
            indices[place] = i;
        }
    }

    protected override Status Run(in Bindings bindings)
    {
        Pool.Run(_work, Operands[0].Product(0, Operands[0].Rank - 1), Operands[0].Last);
        return Status.Ok;
    }

    private static bool Precedes(float a, float b) => a > b || (float.IsNaN(b) && !float.IsNaN(a));

    private void Run(int worker, long begin, long end)
    {
        int k = checked((int)Results[0].Last);
        for (long row = begin; row < end; row++)
        {
            float* x = Operands[0].FloatRow(row, Pool.Scratch(worker));
            Select(x, Operands[0].Last, (float*)Results[0].Data + (row * k), (int*)Results[1].Data + (row * k), k);
        }
    }
}
