Console.WriteLine("heteroqwen");
