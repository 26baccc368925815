namespace HeteroQwen.Backends.Reference.Kernels;

/// <summary>Softmax over all experts, the k largest, and with renormalise = 1 their weights divided by their sum.</summary>
internal static class MoeRouteKernel
{
    public static void Run(in Launch launch)
    {
        (Tensor logits, Tensor weights, Tensor indices) = (launch.Operands[0], launch.Results[0], launch.Results[1]);
        bool renormalises = launch.Attributes.Int64("renormalise") == 1;
        double[] row = new double[logits.Width];
        Span<double> picked = launch.Scratch.Doubles(0, weights.Width);
        for (long token = 0; token < logits.Rows; token++)
        {
            logits.Read(logits.Row(token), row);
            Rows.Softmax(row);
            ReadOnlySpan<long> experts = Rows.TopK(row, launch.Scratch.Integers(logits.Width), weights.Width);
            for (int j = 0; j < experts.Length; j++)
            {
                picked[j] = row[experts[j]];
                indices.Set(indices.Row(token) + (j * indices.Strides[1]), experts[j]);
            }

            double sum = renormalises ? Rows.Sum(picked) : 1;
            foreach (ref double weight in picked)
            {
                weight /= sum;
            }

            weights.Write(weights.Row(token), picked);
        }
    }
}
